package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The API versions in which a policy is read.
const (
	versionV1   = "v1.0"
	versionBeta = "beta"
)

// DecodePolicy makes one Policy from its JSON in v1.0 and in beta; either may be nil when the
// policy was not in that answer.
//
// v1.0 leaves out what it cannot express, so everything that is not understood alike in both
// is on record in Strange: members that we do not model, members of another type than ours,
// and members in which the two differ. Empty values (null, "", [], {}) express nothing and are
// never strange. An exclusion counts only where both versions have it: when they differ,
// somebody changed the policy in between.
func DecodePolicy(v1, beta []byte) (Policy, error) {
	var p Policy
	v1Tree, err := policyTree(v1)
	if err != nil {
		return p, fmt.Errorf("decode the v1.0 policy: %w", err)
	}
	betaTree, err := policyTree(beta)
	if err != nil {
		return p, fmt.Errorf("decode the beta policy: %w", err)
	}
	base := v1
	if v1Tree == nil {
		base = beta
	}
	if v1Tree == nil && betaTree == nil {
		return p, errors.New("decode a policy: there is none")
	}
	if err := json.Unmarshal(base, &p); err != nil {
		return Policy{}, fmt.Errorf("decode a policy: %w", err)
	}
	if p.ID == "" {
		return Policy{}, errors.New("decode a policy: it has no id")
	}
	p.Versions, p.Strange = nil, nil
	w := walker{}
	if v1Tree != nil {
		p.Versions = append(p.Versions, versionV1)
		w.walk(versionV1, "", v1Tree, nil)
	}
	if betaTree != nil {
		p.Versions = append(p.Versions, versionBeta)
		w.walk(versionBeta, "", betaTree, v1Tree)
	}
	if v1Tree != nil && betaTree != nil {
		p.keepCommonExclusions(beta)
	}
	p.Strange = w.strange
	return p, nil
}

// policyTree is the generic form of a policy; nil for no policy.
func policyTree(data []byte) (map[string]any, error) {
	if len(data) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, errors.New("it is null")
	}
	return tree, nil
}

// shape is what we make of a member of a policy.
type shape byte

const (
	object shape = iota + 1
	text
	textList
	raw    // kept as it is
	ignore // says nothing about who can sign in
)

// policyShape is every member that we model, by its path. What is not in it is strange.
var policyShape = map[string]shape{
	"": object, "id": text, "displayName": text, "templateId": text, "state": text,
	"description": ignore, "createdDateTime": ignore, "modifiedDateTime": ignore,

	"conditions": object, "conditions.clientAppTypes": textList,
	"conditions.userRiskLevels": textList, "conditions.signInRiskLevels": textList,
	"conditions.servicePrincipalRiskLevels": textList, "conditions.insiderRiskLevels": text,

	"conditions.users":              object,
	"conditions.users.includeUsers": textList, "conditions.users.excludeUsers": textList,
	"conditions.users.includeGroups": textList, "conditions.users.excludeGroups": textList,
	"conditions.users.includeRoles": textList, "conditions.users.excludeRoles": textList,
	"conditions.users.includeGuestsOrExternalUsers": raw, "conditions.users.excludeGuestsOrExternalUsers": raw,

	"conditions.applications":                                             object,
	"conditions.applications.includeApplications":                         textList,
	"conditions.applications.excludeApplications":                         textList,
	"conditions.applications.includeUserActions":                          textList,
	"conditions.applications.includeAuthenticationContextClassReferences": textList,
	"conditions.applications.applicationFilter":                           raw,

	"conditions.clientApplications":                          object,
	"conditions.clientApplications.includeServicePrincipals": textList,
	"conditions.clientApplications.excludeServicePrincipals": textList,
	"conditions.clientApplications.servicePrincipalFilter":   raw,

	"conditions.platforms": object, "conditions.platforms.includePlatforms": textList, "conditions.platforms.excludePlatforms": textList,
	"conditions.locations": object, "conditions.locations.includeLocations": textList, "conditions.locations.excludeLocations": textList,
	"conditions.devices": object, "conditions.devices.deviceFilter": object,
	"conditions.devices.deviceFilter.mode": text, "conditions.devices.deviceFilter.rule": text,
	"conditions.authenticationFlows": object, "conditions.authenticationFlows.transferMethods": text,

	"grantControls": object, "grantControls.operator": text, "grantControls.builtInControls": textList,
	"grantControls.customAuthenticationFactors": textList, "grantControls.termsOfUse": textList,
	"grantControls.authenticationStrength": object, "grantControls.authenticationStrength.id": text,
	"grantControls.authenticationStrength.displayName":               text,
	"grantControls.authenticationStrength.allowedCombinations":       textList,
	"grantControls.authenticationStrength.description":               ignore,
	"grantControls.authenticationStrength.createdDateTime":           ignore,
	"grantControls.authenticationStrength.modifiedDateTime":          ignore,
	"grantControls.authenticationStrength.policyType":                ignore,
	"grantControls.authenticationStrength.requirementsSatisfied":     ignore,
	"grantControls.authenticationStrength.combinationConfigurations": raw,

	"sessionControls": object,
	"sessionControls.applicationEnforcedRestrictions": raw, "sessionControls.cloudAppSecurity": raw,
	"sessionControls.disableResilienceDefaults": raw, "sessionControls.persistentBrowser": raw,
	"sessionControls.secureSignInSession": raw, "sessionControls.signInFrequency": raw,
}

// A walker collects what is strange in a policy.
type walker struct{ strange []StrangeMember }

// walk looks at the members of one object, in order of their names. other is the same object
// in v1.0 while beta is walked, nil when there is none.
func (w *walker) walk(version, at string, tree, other map[string]any) {
	names := make([]string, 0, len(tree))
	for name := range tree {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.Contains(name, "@") {
			continue // an annotation of the protocol
		}
		path, value := join(at, name), tree[name]
		twin, both := other[name]
		if empty(value) && (!both || empty(twin)) {
			continue
		}
		w.member(version, path, value, twin, other != nil)
	}
}

// member judges one member that says something, in this version or in the other.
func (w *walker) member(version, path string, value, twin any, compared bool) {
	want := policyShape[path]
	switch {
	case want == ignore:
	case want == 0, !fits(want, value):
		if !compared || !same(value, twin) { // else it is on record from v1.0 already
			w.add(version, path, value)
		}
	case want == object:
		tree, _ := value.(map[string]any)
		other, ok := twin.(map[string]any)
		if !compared {
			other = nil
		} else if !ok {
			other = map[string]any{}
		}
		w.walk(version, path, tree, other)
	case compared && !same(value, twin):
		w.add(version, path, value)
	}
}

func (w *walker) add(version, path string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		data = []byte("null") // cannot be: it was decoded from JSON
	}
	w.strange = append(w.strange, StrangeMember{Path: path, Version: version, Value: data})
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// fits is true for a value of the kind that we model; an empty one fits all.
func fits(want shape, value any) bool {
	if value == nil {
		return true
	}
	switch want {
	case object:
		_, ok := value.(map[string]any)
		return ok
	case text:
		_, ok := value.(string)
		return ok
	case textList:
		list, ok := value.([]any)
		return ok && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok })
	}
	return true
}

// empty is true for a value that expresses nothing.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for name, m := range v {
			if !strings.Contains(name, "@") && !empty(m) {
				return false
			}
		}
		return true
	}
	return false
}

// same compares two values; the order in lists does not matter, nor do empty members.
func same(a, b any) bool {
	if empty(a) || empty(b) {
		return empty(a) && empty(b)
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && slices.Equal(sorted(a), sorted(b))
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for name := range b {
			if _, ok := a[name]; !ok && !strings.Contains(name, "@") && !empty(b[name]) {
				return false
			}
		}
		for name, v := range a {
			if !strings.Contains(name, "@") && !same(v, b[name]) {
				return false
			}
		}
		return true
	}
	return a == b
}

func sorted(list []any) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		data, err := json.Marshal(v)
		if err == nil {
			out = append(out, string(data))
		}
	}
	slices.Sort(out)
	return out
}

// keepCommonExclusions leaves of each exclusion list what beta has too.
func (p *Policy) keepCommonExclusions(beta []byte) {
	var b Policy
	if json.Unmarshal(beta, &b) != nil {
		return
	}
	c, known := p.Conditions.Value()
	mine, ok := c.Users.Value()
	theirs := b.Conditions.Or(Conditions{}).Users.Or(UserCondition{})
	if !known || !ok {
		return
	}
	mine.ExcludeUsers = common(mine.ExcludeUsers, theirs.ExcludeUsers)
	mine.ExcludeGroups = common(mine.ExcludeGroups, theirs.ExcludeGroups)
	mine.ExcludeRoles = common(mine.ExcludeRoles, theirs.ExcludeRoles)
	c.Users = Some(mine)
	p.Conditions = Some(c)
}

// common is what both lists hold; a list that one version did not tell stays as it is.
func common(a, b Maybe[[]string]) Maybe[[]string] {
	mine, ok := a.Value()
	if !ok || !b.Known() {
		return a
	}
	theirs := b.Or(nil)
	out := make([]string, 0, len(mine))
	for _, id := range mine {
		if slices.ContainsFunc(theirs, func(t string) bool { return strings.EqualFold(t, id) }) {
			out = append(out, id)
		}
	}
	return Some(out)
}
