package state

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// RoleAssignments is the collection of role assignments in force, whatever made them:
// direct ones, those of Privileged Identity Management, activations of an eligible role.
// Hidden keys on them: _startsAt and _endsAt bound the time in which one counts (RFC 3339,
// absent means without bound), _schedule is the PIM schedule behind it, absent for a
// direct assignment, _activatedUsing the eligibility schedule behind an activation.
const RoleAssignments = "roleManagement/directory/roleAssignments"

// InForce says whether a role assignment counts at this act's instant.
func (tx *Tx) InForce(assignment Object) bool {
	if from := assignment.Time("_startsAt"); !from.IsZero() && from.After(tx.now) {
		return false
	}
	until := assignment.Time("_endsAt")
	return until.IsZero() || until.After(tx.now)
}

// ActiveRoles is the definition ids of the roles that a user or service principal holds
// now over the whole tenant, itself or as a direct member of a role-assignable group,
// each once. Eligible roles that are not activated, and roles scoped to an administrative
// unit or one object, are not among them.
func (tx *Tx) ActiveRoles(principalID string) []string {
	holders := []string{strings.ToLower(principalID)}
	for _, g := range tx.LinkedTo("members", principalID) {
		if tx.Get("groups", g).Bool("isAssignableToRole") {
			holders = append(holders, g)
		}
	}
	var out []string
	for _, a := range tx.List(RoleAssignments) {
		role := strings.ToLower(a.String("roleDefinitionId"))
		if a.String("directoryScopeId") != "/" || !tx.InForce(a) || slices.Contains(out, role) {
			continue
		}
		if slices.Contains(holders, strings.ToLower(a.String("principalId"))) {
			out = append(out, role)
		}
	}
	return out
}

// AssignmentID is the id of a role assignment in Entra's form: role and principal in
// base64, and a mark for the scope. Nobody may take it for a GUID.
func AssignmentID(role, principal, scope string) string {
	var raw []byte
	for _, s := range []string{role, principal} {
		id, err := uuid.Parse(s)
		if err != nil {
			return NewID()
		}
		raw = append(raw, id[3], id[2], id[1], id[0], id[5], id[4], id[7], id[6])
		raw = append(raw, id[8:]...)
	}
	mark := "-1"
	if scope != "/" {
		mark = "-2-" + base64.RawURLEncoding.EncodeToString([]byte(scope))
	}
	return base64.RawURLEncoding.EncodeToString(raw) + mark
}
