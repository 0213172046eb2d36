package contract

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/simtenant/graph"
)

// notServed are permissions the simulator leaves out of its table on purpose: device
// management, agents, mail and the like, which none of its callers holds.
var notServed = regexp.MustCompile(`^(DeviceManagement|Agent|Exchange|Calendars|Mail|Files|Sites|Team|Chat|Tasks|Notes|EntitlementManagement|Synchronization|ProgramControl|Bookings|Place|Community|PrintJob|CrossTenant|CloudPC|BitlockerKey|AppCatalog|EduRoster|CustomSec|LearningContent|PeopleSettings|SecurityActions|SecurityEvents|ThreatHunting|Sharepoint|ChangeManagement|UserNotification|UserTimelineActivity|UserActivity|Schedule|ServiceHealth|ServiceMessage|ShortNotes|WorkforceIntegration|VirtualEvent|User\.ReadWrite\.CrossCloud)`)

// permissionExceptions are operations whose permissions differ from Microsoft's table on
// purpose, with the source.
var permissionExceptions = map[string]string{
	// The table files adding a member to a unit and creating a group inside it under one path;
	// the group permissions belong to the second.
	"POST /directory/administrativeUnits/{id}/members/$ref Application":   "domain.md 2.1, AU",
	"POST /directory/administrativeUnits/{id}/members/$ref DelegatedWork": "domain.md 2.1, AU",
	// The table names the permissions for users and agents only; what restores a group or an
	// application is its own write permission, checked by the kind of object.
	"POST /directory/deletedItems/{id}/restore Application":   "domain.md 2.1, Delete / restore",
	"POST /directory/deletedItems/{id}/restore DelegatedWork": "domain.md 2.1, Delete / restore",
	// Application.ReadWrite.All beside AppRoleAssignment.ReadWrite.All is the second of two
	// that are needed together, not an alternative.
	"DELETE /servicePrincipals/{id}/appRoleAssignedTo/{assignment} Application":    "domain.md 2.2, what must never be requested",
	"DELETE /servicePrincipals/{id}/appRoleAssignedTo/{assignment} DelegatedWork":  "domain.md 2.2, what must never be requested",
	"DELETE /servicePrincipals/{id}/appRoleAssignments/{assignment} Application":   "domain.md 2.2, what must never be requested",
	"DELETE /servicePrincipals/{id}/appRoleAssignments/{assignment} DelegatedWork": "domain.md 2.2, what must never be requested",
}

func TestTheSimulatorAsksForMicrosoftsPermissions(t *testing.T) {
	c := fresh(t)
	used := map[string]bool{}
	compared := 0
	for _, op := range (&graph.API{}).Operations() {
		path := parameterURL(op.Path)
		if op.Beta {
			path = "/beta" + path
		}
		for scheme, has := range map[string][]string{"Application": op.Application, "DelegatedWork": op.Delegated} {
			want, _, ok := c.Permissions(op.Method, path, scheme)
			if known, _, _ := c.Permissions(op.Method, path, "Application"); !ok && known == nil {
				if other, _, _ := c.Permissions(op.Method, path, "DelegatedWork"); other == nil {
					continue // no data on this call at all; the exchanges say whether the call exists
				}
			}
			compared++
			name := op.Method + " " + op.Path + " " + scheme
			if problem := comparePermissions(op.Method, has, want); problem != "" {
				if _, excused := permissionExceptions[name]; !excused {
					t.Errorf("%s: %s", name, problem)
				}
				used[name] = true
			}
		}
	}
	for name, source := range permissionExceptions {
		if !used[name] || source == "" {
			t.Errorf("the exception for %s (%s) is not needed any more, or has no source", name, source)
		}
	}
	if compared < 100 {
		t.Errorf("only %d permission lists were compared", compared)
	}
}

// comparePermissions says what is wrong with a list of the simulator, empty for nothing.
// Nothing may suffice that Microsoft does not list. For reads, everything listed suffices;
// for writes the data list "A and B together" as two entries, so there a reading
// permission alone need not.
func comparePermissions(method string, has, want []string) string {
	var extra, missing []string
	parts := map[string]bool{}
	for _, h := range has {
		for p := range strings.SplitSeq(h, "+") {
			parts[p] = true
			if !slices.Contains(want, p) {
				extra = append(extra, p)
			}
		}
	}
	for _, w := range want {
		reading := strings.Contains(w+".", ".Read.") || strings.Contains(w, ".ReadBasic.")
		// A permission over one's own account only ("X" beside "X.All") says nothing about others'.
		own := slices.Contains(want, w+".All")
		if !parts[w] && !own && !notServed.MatchString(w) && (method == "GET" || !reading) {
			missing = append(missing, w)
		}
	}
	switch {
	case len(extra) > 0:
		return "it lets in with " + strings.Join(extra, ", ") + ", which Microsoft does not list"
	case len(missing) > 0:
		return "it does not let in with " + strings.Join(missing, ", ")
	case len(has) == 0 && len(want) > 0 && len(missing) > 0:
		return "it lets nobody in"
	}
	return ""
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// parameterURL puts something in the place of a pattern's parameters.
func parameterURL(pattern string) string {
	return parameter.ReplaceAllString(readable(pattern), "x")
}

func TestThePermissionComparisonCanFail(t *testing.T) {
	for _, x := range []struct {
		name, method string
		has, want    []string
		fine         bool
	}{
		{"equal", "GET", []string{"A.Read.All"}, []string{"A.Read.All"}, true},
		{"too kind", "GET", []string{"A.Read.All", "B.Read.All"}, []string{"A.Read.All"}, false},
		{"too strict", "GET", []string{"A.Read.All"}, []string{"A.Read.All", "Directory.Read.All"}, false},
		{"agents aside", "GET", []string{"A.Read.All"}, []string{"A.Read.All", "AgentIdentity.Read.All"}, true},
		{"two together", "PATCH", []string{"P.ReadWrite.X+P.Read.All"}, []string{"P.Read.All", "P.ReadWrite.X"}, true},
		{"only reading for a write", "PATCH", []string{"P.ReadWrite.X"}, []string{"P.Read.All", "P.ReadWrite.X"}, true},
		{"a writer forgotten", "PATCH", []string{"P.ReadWrite.X"}, []string{"Q.ReadWrite.X", "P.ReadWrite.X"}, false},
		{"nobody", "POST", nil, []string{"P.ReadWrite.X"}, false},
		{"nobody as documented", "POST", nil, nil, true},
	} {
		if got := comparePermissions(x.method, x.has, x.want); (got == "") != x.fine {
			t.Errorf("%s: %q", x.name, got)
		}
	}
}
