package entra

import (
	"slices"
	"strings"
	"time"
)

// FormatVersion is the version of the snapshot file that this program writes and reads.
const FormatVersion = 1

// Snapshot is one whole reading of a tenant.
type Snapshot struct {
	// Format is "breakglass snapshot"; Version is FormatVersion.
	Format  string `json:"format"`
	Version int    `json:"version"`
	// TakenAt is when the reading began; each part has its own instant in Readings.
	TakenAt time.Time `json:"takenAt"`
	// Cloud is public, usgov-l4, usgov-l5, china, or the name in an endpoints file.
	Cloud string `json:"cloud"`
	// Reader is who read.
	Reader Reader `json:"reader"`
	// Anonymised says that names and ids were replaced, consistently.
	Anonymised bool `json:"anonymised,omitempty"`
	// Readings says of every part where and when it was read, or why not.
	Readings map[Part]Reading `json:"readings"`

	Tenant              Tenant                      `json:"tenant"`
	Domains             []Domain                    `json:"domains"`
	Plans               []ServicePlan               `json:"servicePlans"`
	SecurityDefaults    SecurityDefaults            `json:"securityDefaults"`
	Users               []User                      `json:"users"`
	Groups              []Group                     `json:"groups"`
	AdministrativeUnits []AdministrativeUnit        `json:"administrativeUnits"`
	RoleAssignments     []RoleAssignment            `json:"roleAssignments"`
	ActiveRoles         []RoleInstance              `json:"activeRoles"`
	EligibleRoles       []RoleInstance              `json:"eligibleRoles"`
	RoleSettings        []RoleSetting               `json:"roleSettings"`
	Policies            []Policy                    `json:"policies"`
	NamedLocations      []NamedLocation             `json:"namedLocations"`
	Strengths           []AuthenticationStrength    `json:"authenticationStrengths"`
	MethodsPolicy       AuthenticationMethodsPolicy `json:"authenticationMethodsPolicy"`
	AuthorizationPolicy AuthorizationPolicy         `json:"authorizationPolicy"`
	Clients             []ServicePrincipal          `json:"clients"`
	AppPowers           []AppPower                  `json:"applicationPermissions"`
	PolicyChanges       []PolicyChange              `json:"policyChanges"`
	// ExcludedUsers are the object ids that policies exclude and that belong to a user who is there.
	ExcludedUsers []string `json:"excludedUsers"`
}

// Reader is the identity behind a reading.
type Reader struct {
	// Kind is "application" or "user".
	Kind     string   `json:"kind"`
	ObjectID string   `json:"objectId"`
	AppID    string   `json:"appId"`
	Grants   []string `json:"grants"`
}

// Part names one piece of a reading. Parts of one user or group carry its id behind a colon.
type Part string

// The parts of a reading. Those that end in ":" are completed by an object id (Of).
const (
	PartTenant              Part = "organization"
	PartDomains             Part = "domains"
	PartPlans               Part = "subscribedSkus"
	PartSecurityDefaults    Part = "securityDefaults"
	PartPolicies            Part = "policies"      // v1.0
	PartPoliciesBeta        Part = "policies.beta" // beta: v1.0 hides what it cannot express
	PartNamedLocations      Part = "namedLocations"
	PartStrengths           Part = "authenticationStrengths"
	PartMethodsPolicy       Part = "authenticationMethodsPolicy"
	PartAuthorizationPolicy Part = "authorizationPolicy"
	PartRoleAssignments     Part = "roleAssignments"
	PartActiveRoles         Part = "activeRoles"   // PIM; needs P2
	PartEligibleRoles       Part = "eligibleRoles" // PIM; needs P2
	PartRoleSettings        Part = "roleSettings"  // PIM; needs P2
	PartUnits               Part = "administrativeUnits"
	PartClients             Part = "clients"
	PartConsents            Part = "consents" // delegated permissions of the clients
	PartAppPowers           Part = "applicationPermissions"
	PartPolicyChanges       Part = "policyChanges"
	PartExcludedUsers       Part = "excludedUsers" // which users that policies exclude are there
	PartUser                Part = "user:"
	PartSignInActivity      Part = "signInActivity:"
	PartMethods             Part = "methods:"
	PartPerUserMFA          Part = "perUserMfa:"
	PartMemberOf            Part = "memberOf:"
	PartRisk                Part = "risk:"
	PartGroup               Part = "group:"
	PartGroupMembers        Part = "groupMembers:"
	PartUnitMembers         Part = "unitMembers:"
	PartEmployeeLeave       Part = "employeeLeave:"
)

// Of is the part of one object.
func (p Part) Of(id string) Part { return p + Part(strings.ToLower(id)) }

// Reading says where and when a part was read, or why it was not.
type Reading struct {
	// Source is the request path with its query, for evidence.
	Source string `json:"source"`
	// ReadAt is the instant of the last answer, by our clock.
	ReadAt time.Time `json:"readAt"`
	// Pages and Items count what came; Items is compared with the list on loading, so that
	// an entry lost from a file is noticed.
	Pages int `json:"pages"`
	Items int `json:"items"`
	// Unread is empty when the part is complete.
	Unread Unread `json:"unread,omitempty"`
	// Detail says for people what stood in the way.
	Detail string `json:"detail,omitempty"`
	// Needs names what would help: a permission, role or licence.
	Needs string `json:"needs,omitempty"`
}

// Unread is why a part is missing.
type Unread string

// The reasons why a part is missing.
const (
	UnreadLicence    Unread = "licence"
	UnreadPermission Unread = "permission"
	UnreadThrottled  Unread = "throttled"
	UnreadNotFound   Unread = "not found"
	UnreadFailed     Unread = "failed"
	UnreadDamaged    Unread = "damaged"
	UnreadCloud      Unread = "not in this cloud"
	UnreadNotAsked   Unread = "not asked"
)

// Reading is what is known of how a part was read; a part never mentioned was not asked for.
func (s *Snapshot) Reading(p Part) Reading {
	if r, ok := s.Readings[p]; ok {
		return r
	}
	return Reading{Unread: UnreadNotAsked, Detail: "this reading does not hold " + string(p)}
}

// Complete says whether a part was read whole. Only then does an absence mean anything.
func (s *Snapshot) Complete(p Part) bool { return s.Reading(p).Unread == "" }

// User is the user of an object id, nil when the reading does not hold it.
func (s *Snapshot) User(id string) *User {
	i := slices.IndexFunc(s.Users, func(u User) bool { return strings.EqualFold(u.ID, id) })
	if i < 0 {
		return nil
	}
	return &s.Users[i]
}

// UserByName is the user of a user principal name, nil when the reading does not hold it.
func (s *Snapshot) UserByName(upn string) *User {
	i := slices.IndexFunc(s.Users, func(u User) bool { return strings.EqualFold(u.UserPrincipalName.Or(""), upn) })
	if i < 0 {
		return nil
	}
	return &s.Users[i]
}

// Group is the group of an object id, nil when the reading does not hold it.
func (s *Snapshot) Group(id string) *Group {
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return strings.EqualFold(g.ID, id) })
	if i < 0 {
		return nil
	}
	return &s.Groups[i]
}

// Licence is what the tenant has bought, as far as the plans tell.
type Licence string

// The licences that matter here.
const (
	LicenceFree    Licence = "free"
	LicenceP1      Licence = "p1"
	LicenceP2      Licence = "p2"
	LicenceUnknown Licence = "unknown"
)

// The service plans of Entra ID P1 and P2 (names AAD_PREMIUM and AAD_PREMIUM_P2).
const (
	planP1 = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
	planP2 = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
)

// Of is the licence that the plan belongs to, whatever its state; empty for another product's.
func (p ServicePlan) Of() Licence {
	switch {
	case strings.EqualFold(p.ServicePlanID, planP2), p.ServicePlanName == "AAD_PREMIUM_P2":
		return LicenceP2
	case strings.EqualFold(p.ServicePlanID, planP1), strings.HasPrefix(p.ServicePlanName, "AAD_PREMIUM"):
		return LicenceP1
	}
	return ""
}

// works says whether what was bought can be used. Warning is the time of grace after a
// subscription ended ("subscribedSku resource type"; that everything works in it is from memory).
func (p ServicePlan) works() bool {
	state := p.CapabilityStatus.Or("Enabled")
	return state == "Enabled" || state == "Warning"
}

// Licence is the highest Entra ID licence among the plans that work.
func (s *Snapshot) Licence() Licence {
	has := func(l Licence) bool {
		return slices.ContainsFunc(s.Plans, func(p ServicePlan) bool { return p.Of() == l && p.works() })
	}
	switch {
	case has(LicenceP2):
		return LicenceP2
	case !s.Complete(PartPlans):
		return LicenceUnknown
	case has(LicenceP1):
		return LicenceP1
	}
	return LicenceFree
}
