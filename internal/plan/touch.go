package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// An object is named in a Touch by its sort and its id: user, group, policy, roles (of a
// principal) and rolesetting by id; username, groupname and unitname by the natural key that
// must still be free; unitmember by unit/member.
const (
	onUser       = "user:"
	onUserName   = "username:"
	onGroup      = "group:"
	onGroupName  = "groupname:"
	onUnit       = "unit:"
	onUnitName   = "unitname:"
	onUnitMember = "unitmember:"
	onPolicy     = "policy:"
	onRoles      = "roles:"
	onRule       = "rolerule:"
)

// unread is the digest of a property that was not in the reading, gone that of one whose
// object is not there.
const (
	unread = "unread"
	gone   = "gone"
)

// touch records the state of an object's properties in a reading.
func touch(s *entra.Snapshot, object, title string, fields ...string) Touch {
	t := Touch{Object: object, Title: title, Fields: map[string]string{}}
	props := properties(s, object)
	for _, f := range fields {
		t.Fields[f] = digestOf(props, f)
	}
	return t
}

// movedIn are the properties of a touch that are not as they were.
func (t Touch) movedIn(s *entra.Snapshot) []string {
	props := properties(s, t.Object)
	var out []string
	for _, f := range slices.Sorted(maps.Keys(t.Fields)) {
		if now := digestOf(props, f); now != t.Fields[f] || now == unread {
			out = append(out, f)
		}
	}
	return out
}

// digestOf is the digest of one property, whose name walks objects by dots.
func digestOf(props map[string]any, field string) string {
	if props == nil {
		return gone
	}
	var at any = props
	for name := range strings.SplitSeq(field, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return unread
		}
		if at, ok = object[name]; !ok {
			return unread
		}
	}
	return digest(at)
}

// digest is short on purpose: it tells states of one property apart, it proves nothing.
func digest(v any) string {
	if list, ok := v.([]any); ok {
		v = sorted(list)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return unread
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// sorted is a list without its order, which Graph does not keep.
func sorted(list []any) []any {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}

// properties is an object as JSON, nil when the reading does not hold it.
func properties(s *entra.Snapshot, object string) map[string]any {
	sort, id, _ := strings.Cut(object, ":")
	switch sort + ":" {
	case onUser:
		return asJSON(s.User(id))
	case onGroup:
		return asJSON(s.Group(id))
	case onPolicy:
		return asJSON(policyOf(s, id))
	case onUnit:
		return asJSON(unitOf(s, id))
	case onUserName:
		return map[string]any{"taken": s.UserByName(id) != nil}
	case onGroupName:
		_, n := groupNamed(s, id)
		return map[string]any{"taken": n > 0}
	case onUnitName:
		_, n := unitNamed(s, id)
		return map[string]any{"taken": n > 0}
	case onUnitMember:
		return unitMember(s, id)
	case onRoles:
		return map[string]any{"assignments": rolesOf(s, id)}
	case onRule:
		return ruleProperties(s, id)
	}
	return nil
}

func asJSON[T any](object *T) map[string]any {
	if object == nil {
		return nil
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	var out map[string]any
	if json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

func unitMember(s *entra.Snapshot, id string) map[string]any {
	unit, member, _ := strings.Cut(id, "/")
	u := unitOf(s, unit)
	if u == nil {
		return nil
	}
	members, ok := u.Members.Value()
	if !ok {
		return map[string]any{}
	}
	return map[string]any{"member": memberIn(members, member)}
}

// rolesOf are a principal's assignments as plain, ordered text.
func rolesOf(s *entra.Snapshot, id string) []string {
	out := []string{}
	for _, r := range s.ActiveRoles {
		if strings.EqualFold(r.PrincipalID, id) {
			_, ends := r.End.Value()
			out = append(out, fmt.Sprint(r.RoleID, r.Scope.Or("?"), r.AssignmentType.Or("?"), r.MemberType.Or("?"), ends))
		}
	}
	for _, r := range s.RoleAssignments {
		if strings.EqualFold(r.PrincipalID, id) {
			out = append(out, fmt.Sprint(r.RoleID, r.Scope.Or("?")))
		}
	}
	slices.Sort(out)
	return out
}

func ruleProperties(s *entra.Snapshot, policy string) map[string]any {
	for _, set := range s.RoleSettings {
		if !strings.EqualFold(set.PolicyID, policy) {
			continue
		}
		for i := range set.Rules {
			if set.Rules[i].ID == ruleExpiration {
				return asJSON(&set.Rules[i])
			}
		}
	}
	return nil
}
