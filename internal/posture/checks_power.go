package posture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// powerChecks are about who and what else could reach the accounts, and through what a
// repair goes (BG-060 to BG-062).
func powerChecks() []Check {
	return []Check{
		{
			Code: "BG-060", Title: "No application can take an account over", Severity: Medium, tenant: noAppPowers,
			Why: "An application with one of these permissions can make anybody Global Administrator, set passwords, register methods, or lock everybody out by a " +
				"policy, and so can whoever holds its credentials or owns it.",
			Asks:   "No application holds an application permission of Microsoft Graph that reaches the accounts, roles or policies. Where one must, it is known, watched and guarded as a Global Administrator.",
			Parts:  []entra.Part{entra.PartAppPowers},
			Remedy: "take the permission from the application, or guard it: no owners, a certificate, instance property lock", Controls: slices.Concat(scuba("MS.AAD.7.4v1"), nist("AC-6(5)")),
		},
		{
			Code: "BG-061", Title: "Who could reset the accounts is cloud-only and a person", Severity: Medium, tenant: resettersAreSound,
			Why: "Global, Privileged Role and Privileged Authentication Administrators can reset or demote an emergency account. One that is synchronised is reached " +
				"from the directory on-premises; a guest, from another tenant; an application, by its credentials.",
			Asks:   "Every holder of these roles, active or eligible, besides the emergency accounts is a cloud-only member of this tenant.",
			Parts:  []entra.Part{entra.PartRoleAssignments, entra.PartEligibleRoles},
			Remedy: "take the role from it; a person gets it on a cloud-only account of their own", Controls: slices.Concat(cis("1.1.1"), scuba("MS.AAD.7.3v1"), zt("21814")),
		},
		{
			Code: "BG-062", Title: "A client is ready through which a policy can be repaired", Severity: Medium, tenant: repairClient,
			Why: "When the portals refuse, a policy is repaired through Microsoft Graph. That needs a client that exists, is enabled, lets everybody in and is " +
				"consented to write policies: in a lockout nobody can arrange it.",
			Asks:   "A client (Graph PowerShell, Graph Explorer or our own) is enabled, does not require assignment, and has Policy.ReadWrite.ConditionalAccess consented for everybody.",
			Parts:  []entra.Part{entra.PartClients, entra.PartConsents},
			Remedy: "`breakglass onboard` sets up our operator client; or consent Graph PowerShell to Policy.Read.All and Policy.ReadWrite.ConditionalAccess",
		},
	}
}

// reaching are the application permissions whose holder can reach the accounts, their roles
// or the policies, whatever level Microsoft gives them.
var reaching = []string{
	"RoleManagement.ReadWrite.Directory", "AppRoleAssignment.ReadWrite.All", "RoleAssignmentSchedule.ReadWrite.Directory",
	"RoleEligibilitySchedule.ReadWrite.Directory",
	"User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All", "User.EnableDisableAccount.All", "UserAuthenticationMethod.ReadWrite.All",
	"UserAuthMethod-Passkey.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite.All", "Policy.ReadWrite.ConditionalAccess",
	"Policy.ReadWrite.AuthenticationMethod", "Application.ReadWrite.All", "Directory.ReadWrite.All",
}

func noAppPowers(j *judge) result {
	held := map[string][]string{}
	doubt := !j.s.Complete(entra.PartAppPowers)
	for _, p := range j.s.AppPowers {
		switch {
		case !strings.Contains(p.Permission, "."): // an id: the reading could not name it
			doubt = true
		case slices.Contains(reaching, p.Permission):
			name := p.DisplayName
			if name == "" {
				name = p.PrincipalID
			}
			held[name] = append(held[name], p.Permission)
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(held)) {
		list = append(list, fmt.Sprintf("%s holds %s", name, fewBy(", ", held[name])))
	}
	switch {
	case len(list) > 0:
		return fail("%s", strings.Join(list, "; "))
	case doubt:
		return unsure("the applications' permissions were not read whole")
	}
	return pass("no application holds a permission that reaches the accounts")
}

func resettersAreSound(j *judge) result {
	ids, whole := j.holders(entra.RoleGlobalAdministrator, entra.RolePrivilegedRoleAdministrator, entra.RolePrivilegedAuthenticationAdministrator)
	var bad []string
	others, doubt := 0, !whole
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if j.ours(id) {
			continue
		}
		others++
		flaw, told := j.flaw(id)
		if flaw != "" {
			bad = append(bad, flaw)
		}
		doubt = doubt || !told
	}
	switch {
	case len(bad) > 0:
		return fail("%s", few(bad))
	case doubt:
		return unsure("not everybody who holds such a role could be looked at")
	case others == 0:
		return pass("nobody besides the emergency accounts could reset them")
	}
	return pass("%d besides the emergency accounts could reset them, all of them cloud-only members", others)
}

// flaw is why a holder of a powerful role is a way around the others; told is false when it
// was not seen whether there is one.
func (j *judge) flaw(id string) (what string, told bool) {
	u := j.s.User(id)
	if u == nil {
		if j.application(id) {
			return fmt.Sprintf("the application %s holds a role that can reset them", j.applicationName(id)), true
		}
		return "", false
	}
	name := u.UserPrincipalName.Or(u.ID)
	switch {
	case u.OnPremisesSyncEnabled.Or(false):
		return name + " is synchronised", true
	case strings.EqualFold(u.UserType.Or(""), "Guest") || strings.Contains(name, "#EXT#"):
		return name + " is a guest", true
	}
	return "", u.OnPremisesSyncEnabled.Known() && u.UserType.Known() && u.UserPrincipalName.Known()
}

// applicationName is its display name where the reading has one.
func (j *judge) applicationName(id string) string {
	for _, p := range j.s.AppPowers {
		if strings.EqualFold(p.PrincipalID, id) && p.DisplayName != "" {
			return p.DisplayName
		}
	}
	return id
}

func repairClient(j *judge) result {
	doubt := !j.s.Complete(entra.PartClients)
	var why []string
	for _, c := range j.s.Clients {
		name := c.DisplayName.Or(c.AppID)
		ready, flaw := clientReady(c)
		switch ready {
		case lockout.True:
			return pass("%s is enabled, open to everybody and consented to write policies", name)
		case lockout.Unknown:
			doubt = true
		}
		why = append(why, name+" "+flaw)
	}
	switch {
	case doubt:
		return unsure("whether a client is ready could not be told: %s", orNone(few(why)))
	case len(why) == 0:
		return fail("no such client is in the tenant")
	}
	return fail("no client is ready: %s", few(why))
}

func orNone(s string) string {
	if s == "" {
		return "none was read"
	}
	return s
}

func clientReady(c entra.ServicePrincipal) (lockout.Truth, string) {
	on, onTold := c.AccountEnabled.Value()
	closed, closedTold := c.AssignmentRequired.Value()
	scopes, scopesTold := c.Scopes.Value()
	consented := slices.Contains(scopes, "Policy.ReadWrite.ConditionalAccess")
	switch {
	case onTold && !on:
		return lockout.False, "is disabled"
	case closedTold && closed:
		return lockout.Unknown, "requires assignment, and whether the accounts are assigned was not read"
	case scopesTold && !consented:
		return lockout.False, "is not consented to write policies"
	case !onTold || !closedTold || !scopesTold:
		return lockout.Unknown, "was not read whole"
	}
	return lockout.True, ""
}
