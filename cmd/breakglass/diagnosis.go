package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/plan"
)

// The two parts that an identity is judged as.
const (
	asWatch    = "watch"
	asOperator = "operator"
)

// What a permission is, to the part that the identity plays.
const (
	permissionHave    = "have"
	permissionCovered = "covered" // not there by name; a broader one does, as the reading showed
	permissionMissing = "missing"
	permissionTooMuch = "too much"
	permissionIdle    = "not needed"
)

// diagnosis is `doctor --json`.
type diagnosis struct {
	As       string `json:"as"`
	Kind     string `json:"kind"`
	ObjectID string `json:"objectId"`
	ClientID string `json:"clientId"`
	TenantID string `json:"tenantId"`
	Tenant   string `json:"tenant"`
	Cloud    string `json:"cloud"`
	// Skew is how far this machine's clock is ahead of Microsoft's, in seconds.
	Skew        float64          `json:"clockSkewSeconds"`
	Clock       string           `json:"clock"`
	Licence     entra.Licence    `json:"licence"`
	Services    []reached        `json:"services"`
	Permissions []heldPermission `json:"permissions"`
	Roles       []heldRole       `json:"roles"`
	RolesNote   string           `json:"rolesNote,omitempty"`
	Findings    []string         `json:"findings"`
	Healthy     bool             `json:"healthy"`
}

type heldPermission struct {
	Name   string   `json:"name"`
	State  string   `json:"state"`
	Core   bool     `json:"core"`
	Checks []string `json:"checks,omitempty"`
	Note   string   `json:"note,omitempty"`
}

func (p heldPermission) good() bool { return p.State == permissionHave || p.State == permissionCovered }

type heldRole struct {
	Name    string `json:"name"`
	Scope   string `json:"scope"`
	TooMuch bool   `json:"tooMuch"`
}

func (r heldRole) text() string {
	if r.Scope == "/" {
		return r.Name
	}
	return r.Name + " over " + r.Scope
}

func (r diagnosis) identityLine() string {
	if r.Kind == "user" {
		return "a person, object id " + r.ObjectID + ", through client " + r.ClientID
	}
	return "application " + r.ClientID + ", object id " + r.ObjectID
}

// maxClockSkew is where Entra refuses signed requests.
const maxClockSkew = 5 * time.Minute

// diagnose judges what was examined. It is pure.
func diagnose(e examined) diagnosis {
	s := e.snapshot
	r := diagnosis{
		As: e.as, Kind: s.Reader.Kind, ObjectID: s.Reader.ObjectID, ClientID: s.Reader.AppID, TenantID: s.Tenant.ID,
		Tenant: s.Tenant.DisplayName.Or("(its name could not be read)"), Cloud: s.Cloud, Skew: e.skew.Seconds(), Clock: clockText(e.skew),
		Licence: s.Licence(), Services: e.reach, Roles: []heldRole{}, Findings: []string{},
	}
	if e.skew.Abs() > maxClockSkew {
		r.find("set this machine's clock: %s", r.Clock)
	}
	if r.Licence == entra.LicenceUnknown {
		r.find("the licences could not be read, so what is not bought cannot be told from what is forbidden: %s", s.Reading(entra.PartPlans).Detail)
	}
	for _, x := range e.reach {
		if x.Needed && !x.OK {
			r.find("%s (%s) does not answer: %s", x.Service, x.Host, x.Detail)
		}
	}
	if (e.as == asOperator) != (r.Kind == "user") {
		r.find("%s", map[string]string{
			asOperator: "an application signs in as operator: writes are a person's, under their own sign-in; use --auth browser",
			asWatch:    "a person signs in as watch: the standing identity is an application with a certificate or a federated credential",
		}[e.as])
	}
	r.permissions(s, e.as)
	r.roles(e)
	r.Healthy = len(r.Findings) == 0
	return r
}

func (r *diagnosis) find(format string, args ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

func clockText(skew time.Duration) string {
	switch skew = skew.Round(time.Second); {
	case skew.Abs() <= 2*time.Second:
		return "agrees with Microsoft's"
	case skew > 0:
		return skew.String() + " ahead of Microsoft's"
	}
	return skew.Abs().String() + " behind Microsoft's"
}

const consenters = "a Global Administrator or Privileged Role Administrator consents to it: breakglass onboard"

// permissions sets the grants of the token beside what the part needs.
func (r *diagnosis) permissions(s *entra.Snapshot, as string) {
	held := s.Reader.Grants
	wanted := map[string]bool{"openid": true, "profile": true, "offline_access": true, "email": true, "User.Read": true}
	for _, p := range msapi.WatchPermissions() {
		wanted[p.Name] = true
		h := heldPermission{Name: p.Name, Core: p.Core, Checks: p.Checks, Note: p.Note, State: permissionMissing}
		switch {
		case slices.Contains(held, p.Name):
			h.State = permissionHave
		case wider(p.Name, held) || allRead(s, p.Parts):
			h.State = permissionCovered
		case p.Core:
			r.find("%s is missing; without it these could not tell: %s; %s", p.Name, strings.Join(p.Checks, " "), consenters)
		}
		r.Permissions = append(r.Permissions, h)
	}
	if as == asOperator {
		for _, name := range plan.OperatorScopes() {
			if !wanted[name] {
				wanted[name] = true
				r.writing(name, held)
			}
		}
	}
	for _, g := range held {
		if !wanted[g] {
			r.beyond(g, as)
		}
	}
}

// writing is a permission that plans' steps need.
func (r *diagnosis) writing(name string, held []string) {
	h := heldPermission{Name: name, Core: true, State: permissionHave}
	if !slices.Contains(held, name) {
		h.State = permissionMissing
		r.find("%s is missing, so apply would stop at the steps that need it; %s", name, consenters)
	}
	r.Permissions = append(r.Permissions, h)
}

// beyond is a permission that the part does not need. A standing identity must not be able
// to write at all; an operator's further power is named, because it is a person's choice.
func (r *diagnosis) beyond(g, as string) {
	h := heldPermission{Name: g, State: permissionIdle}
	if writesSomething(g) && as == asWatch || msapi.Powerful(g) {
		h.State = permissionTooMuch
		h.Note = "a standing identity cannot be allowed to write"
		if msapi.Powerful(g) {
			h.Note = "its holder can become an administrator, reach an emergency account or lock everybody out"
		}
		r.find("%s is too much: take it away (%s)", g, h.Note)
	}
	r.Permissions = append(r.Permissions, h)
}

// writesSomething reads a permission's name ("Microsoft Graph permissions reference": the
// operation stands between the dots).
func writesSomething(permission string) bool {
	for _, part := range strings.Split(permission, ".") {
		switch {
		case strings.Contains(part, "Write"), part == "Manage", part == "Create", part == "Delete", part == "Send", part == "FullControl", part == "AccessAsUser",
			part == "EnableDisableAccount", part == "DeleteRestore", part == "RevokeSessions", part == "Invite", part == "Export":
			return true
		}
	}
	return false
}

// wider says whether the writing twin of a reading permission is held.
func wider(name string, held []string) bool {
	twin := strings.Replace(name, ".Read.", ".ReadWrite.", 1)
	return twin != name && slices.Contains(held, twin)
}

// allRead says whether a reading shows that the permission is not missed: parts of these
// kinds were read, and none was refused.
func allRead(s *entra.Snapshot, parts []entra.Part) bool {
	read := false
	for have, r := range s.Readings {
		kind, _, _ := strings.Cut(string(have), ":")
		if !slices.ContainsFunc(parts, func(p entra.Part) bool { return strings.TrimSuffix(string(p), ":") == kind }) {
			continue
		}
		if r.Unread != "" {
			return false
		}
		read = true
	}
	return read
}

// readingRoles change nothing ("Microsoft Entra built-in roles").
var readingRoles = []string{"Global Reader", "Security Reader", "Reports Reader", "Directory Readers", "Message Center Reader"}

// roles sets the directory roles beside the part: watch needs none, an operator needs some.
func (r *diagnosis) roles(e examined) {
	if e.rolesErr != nil {
		r.RolesNote = "could not tell which roles it holds: " + e.rolesErr.Error()
		r.find("the directory roles could not be read, so whether they are too much could not be told")
		return
	}
	if e.as == asOperator && len(e.roles) == 0 {
		r.RolesNote = "none held directly and active now: roles through groups are not shown here, an eligible one must be activated first"
	}
	for _, role := range e.roles {
		h := heldRole{Name: role.Name, Scope: role.Scope, TooMuch: e.as == asWatch && !slices.Contains(readingRoles, role.Name)}
		if h.TooMuch {
			r.find("the role %s is too much for a standing identity: remove the assignment", role.Name)
		}
		r.Roles = append(r.Roles, h)
	}
}
