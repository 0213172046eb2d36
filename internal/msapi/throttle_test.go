package msapi

import (
	"testing"
	"time"
)

func TestLanesKeepTheServicesPace(t *testing.T) {
	lanes := lanes(microsoftLimits)
	t.Run("one Conditional Access request a second", func(t *testing.T) {
		l := laneFor(lanes, "/identity/conditionalAccess/policies/x")
		for i, want := range []time.Duration{0, 1100 * time.Millisecond, 2200 * time.Millisecond} {
			if got := l.reserve(noon); got != want {
				t.Errorf("request %d waits %v, want %v", i, got, want)
			}
		}
		if got := l.reserve(noon.Add(time.Minute)); got != 0 {
			t.Errorf("after a minute it still waits %v", got)
		}
		if laneFor(lanes, "/identityProtection/riskyUsers/x") != l {
			t.Error("risky users share that limit")
		}
	})
	t.Run("five reports in ten seconds", func(t *testing.T) {
		l := laneFor(lanes, "/auditLogs/directoryAudits")
		for i := range 12 {
			if got, want := l.reserve(noon), time.Duration(i/5)*10*time.Second; got != want {
				t.Errorf("request %d waits %v, want %v", i, got, want)
			}
		}
	})
	for _, free := range []string{"/users/x", "/identity", "/policies/authenticationStrengthPolicies"} {
		if laneFor(lanes, free) != nil {
			t.Errorf("%s waits for a lane", free)
		}
	}
}

func TestBackOffGrowsAndIsBounded(t *testing.T) {
	for attempt := range 40 {
		d := backoff(attempt)
		if d < firstWait/2 || d > longWait*3/2 {
			t.Errorf("attempt %d waits %v", attempt, d)
		}
	}
}

func TestNeedsFindTheirOperation(t *testing.T) {
	for _, c := range []struct{ method, path, app string }{
		{"GET", "/identity/conditionalAccess/policies", "Policy.Read.All"},
		{"PATCH", "/identity/conditionalAccess/policies/x", "Policy.ReadWrite.ConditionalAccess"},
		{"POST", "/identity/conditionalAccess/evaluate", "Policy.Read.ConditionalAccess"},
		{"GET", "/users/x/authentication/methods", "UserAuthenticationMethod.Read.All"},
		{"GET", "/users/x/authentication/requirements", "Policy.Read.All"},
		{"GET", "/users/x", "User.Read.All"},
		{"POST", "/users", "User.ReadWrite.All"},
		{"POST", "/directory/administrativeUnits/x/members/$ref", "AdministrativeUnit.ReadWrite.All"},
		{"GET", "/roleManagement/directory/roleAssignments", "RoleManagement.Read.Directory"},
		{"POST", "/roleManagement/directory/roleAssignmentScheduleRequests", "RoleAssignmentSchedule.ReadWrite.Directory"},
		{"DELETE", "/groups/x/members/y/$ref", "Group.ReadWrite.All"},
		{"GET", "/me", ""},
	} {
		n, _ := needFor(c.method, c.path)
		if n.app != c.app {
			t.Errorf("%s %s needs %q, want %q", c.method, c.path, n.app, c.app)
		}
	}
}
