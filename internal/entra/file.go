package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// FileFormat is what the `format` member of a snapshot file says.
const FileFormat = "breakglass snapshot"

// MaxFile is the size above which a file is no reading of ours; the largest are some megabytes.
const MaxFile = 256 << 20

// ErrVersion is in the chain of Decode's error when the file is of another version of the format.
var ErrVersion = errors.New("another version of the snapshot format")

// Encode writes the snapshot as the documented JSON file (docs/snapshot.md), indented.
func (s *Snapshot) Encode() ([]byte, error) {
	out := *s
	out.Format, out.Version = FileFormat, FormatVersion
	data, err := json.MarshalIndent(&out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the snapshot: %w", err)
	}
	return append(data, '\n'), nil
}

// Decode reads a snapshot file. Errors say what is wrong and at which line and column. It
// refuses another format or version (ErrVersion), and marks every part that has not as many
// entries as its reading counted as damaged: an entry lost from a file is never an absence.
func Decode(data []byte) (*Snapshot, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("read the snapshot: the file is larger than %d MiB", MaxFile>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // some editors put a byte order mark in front
	var head struct {
		Format  json.RawMessage `json:"format"`
		Version json.RawMessage `json:"version"`
	}
	if err := strict(data, &head); err != nil {
		return nil, err
	}
	if err := checkVersion(head.Format, head.Version); err != nil {
		return nil, err
	}
	s := new(Snapshot)
	if err := strict(data, s); err != nil {
		return nil, err
	}
	s.markDamaged()
	return s, nil
}

func checkVersion(format, version json.RawMessage) error {
	if string(format) != `"`+FileFormat+`"` {
		return fmt.Errorf("read the snapshot: this is no snapshot file: its %q is not %q", "format", FileFormat)
	}
	if string(version) == fmt.Sprint(FormatVersion) {
		return nil
	}
	if version == nil {
		version = json.RawMessage("none")
	}
	return fmt.Errorf("read the snapshot: %w: the file is of version %s, this program reads version %d; take a new reading with breakglass snapshot, or use the program that wrote the file",
		ErrVersion, version, FormatVersion)
}

// strict decodes exactly one JSON value and says where a mistake stands.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(v)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			return fmt.Errorf("read the snapshot: %s: something follows the end of the JSON object", position(data, dec.InputOffset()))
		}
		return nil
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("read the snapshot: %s: %w", position(data, e.Offset), err)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("read the snapshot: %s: %q is a %s where a %s belongs", position(data, e.Offset), e.Field, e.Value, e.Type)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read the snapshot: %s: the file ends in the middle", position(data, int64(len(data))))
	}
	return fmt.Errorf("read the snapshot: %w", err)
}

// position is line:column of an offset, both from 1, columns in bytes.
func position(data []byte, offset int64) string {
	before := data[:min(max(offset, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return fmt.Sprintf("line %d:%d", line, max(column, 1))
}

// markDamaged compares what is there with what was counted when it was read.
func (s *Snapshot) markDamaged() {
	for p, r := range s.Readings {
		have, ok := s.items(p)
		if !ok || r.Unread != "" || have == r.Items {
			continue
		}
		r.Unread = UnreadDamaged
		r.Detail = fmt.Sprintf("the file holds %d entries where %d were read", have, r.Items)
		s.Readings[p] = r
	}
}

// items is how many entries the snapshot holds of a part; false for a part that we do not know.
func (s *Snapshot) items(p Part) (int, bool) {
	if name, id, ok := strings.Cut(string(p), ":"); ok {
		return s.itemsOf(Part(name+":"), id)
	}
	switch p {
	case PartTenant:
		return count(s.Tenant.ID != ""), true
	case PartDomains:
		return len(s.Domains), true
	case PartPlans:
		return len(s.Plans), true
	case PartSecurityDefaults:
		return count(s.SecurityDefaults.IsEnabled.Known()), true
	case PartPolicies:
		return s.policiesIn(versionV1), true
	case PartPoliciesBeta:
		return s.policiesIn(versionBeta), true
	case PartNamedLocations:
		return len(s.NamedLocations), true
	case PartStrengths:
		return len(s.Strengths), true
	case PartMethodsPolicy:
		return count(s.MethodsPolicy.Configurations != nil), true
	case PartAuthorizationPolicy:
		return count(s.AuthorizationPolicy.AllowedToUseSSPR.Known()), true
	case PartRoleAssignments:
		return len(s.RoleAssignments), true
	case PartActiveRoles:
		return len(s.ActiveRoles), true
	case PartEligibleRoles:
		return len(s.EligibleRoles), true
	case PartRoleSettings:
		return len(s.RoleSettings), true
	case PartUnits:
		return len(s.AdministrativeUnits), true
	case PartClients:
		return len(s.Clients), true
	case PartConsents:
		return countIf(s.Clients, func(c ServicePrincipal) bool { return c.Scopes.Known() }), true
	case PartAppPowers:
		return len(s.AppPowers), true
	case PartPolicyChanges:
		return len(s.PolicyChanges), true
	case PartExcludedUsers:
		return len(s.ExcludedUsers), true
	}
	return 0, false
}

// itemsOf is items for the parts of one object.
func (s *Snapshot) itemsOf(p Part, id string) (int, bool) {
	switch p {
	case PartGroup, PartGroupMembers:
		g := s.Group(id)
		if p == PartGroup || g == nil {
			return count(g != nil), true
		}
		return len(g.Members.Or(nil)), true
	case PartUnitMembers:
		i := slices.IndexFunc(s.AdministrativeUnits, func(u AdministrativeUnit) bool { return strings.EqualFold(u.ID, id) })
		if i < 0 {
			return 0, true
		}
		return len(s.AdministrativeUnits[i].Members.Or(nil)), true
	}
	u := s.User(id)
	if u == nil {
		u = new(User)
	}
	switch p {
	case PartUser:
		return count(u.ID != ""), true
	case PartMethods:
		return len(u.Methods.Or(nil)), true
	case PartMemberOf:
		return len(u.MemberOf.Or(nil)), true
	case PartSignInActivity:
		return count(u.SignInActivity.Known()), true
	case PartPerUserMFA:
		return count(u.PerUserMFA.Known()), true
	case PartRisk:
		return count(u.Risk.Known()), true
	case PartEmployeeLeave:
		return count(u.EmployeeLeave.Known()), true
	}
	return 0, false
}

func (s *Snapshot) policiesIn(version string) int {
	return countIf(s.Policies, func(p Policy) bool { return slices.Contains(p.Versions, version) })
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func countIf[T any](list []T, is func(T) bool) int {
	n := 0
	for _, v := range list {
		n += count(is(v))
	}
	return n
}

// Clone is a deep copy.
func (s *Snapshot) Clone() *Snapshot {
	data, err := json.Marshal(s)
	if err != nil {
		panic("a snapshot that does not encode: " + err.Error()) // every member is plain data
	}
	out := new(Snapshot)
	if err := json.Unmarshal(data, out); err != nil {
		panic("a snapshot that does not decode what it encoded: " + err.Error())
	}
	return out
}
