// Package config is what a person wants: breakglass.yaml, strictly parsed and linted, and
// people.age beside it.
//
// Desired is the plan of one tenant. People and places are opaque ids in it; their names,
// addresses and telephones live in the age-encrypted file, because a plan in git must not
// be the burglar's map. What is (who holds which sheet) is the register's, never the plan's.
package config

import "time"

// Desired is the whole of breakglass.yaml, version 1.
type Desired struct {
	// Version of the file format: 1.
	Version int `yaml:"version" json:"version"`
	// Tenant is the tenant that this plan is for; a plan is never applied to another.
	Tenant Tenant `yaml:"tenant" json:"tenant"`
	// Accounts are the emergency accounts, at least two.
	Accounts []Account `yaml:"accounts" json:"accounts"`
	// ExclusionGroup is an optional second layer beside the exclusion by object id.
	ExclusionGroup *ExclusionGroup `yaml:"exclusion_group,omitempty" json:"exclusion_group,omitempty"`
	// RestrictedUnit guards the exclusion group (default) and, if asked for, the accounts.
	RestrictedUnit *RestrictedUnit `yaml:"restricted_unit,omitempty" json:"restricted_unit,omitempty"`
	// ConditionalAccess says who may write policies.
	ConditionalAccess ConditionalAccess `yaml:"conditional_access,omitempty" json:"conditional_access,omitzero"`
	// Custodians are the people who keep shares, by their opaque ids.
	Custodians []PersonID `yaml:"custodians,omitempty" json:"custodians,omitempty"`
	// Locations are the safes.
	Locations []Location `yaml:"locations,omitempty" json:"locations,omitempty"`
	// Approvers may approve requests.
	Approvers []PersonID `yaml:"approvers,omitempty" json:"approvers,omitempty"`
	// Channels are where alerts go.
	Channels []Channel `yaml:"channels,omitempty" json:"channels,omitempty"`
	// Cadences are how often things are due.
	Cadences Cadences `yaml:"cadences,omitempty" json:"cadences,omitzero"`
	// Duties name an owner and a deputy for each recurring work.
	Duties map[string]Duty `yaml:"duties,omitempty" json:"duties,omitempty"`
	// AcceptedRisks are rules that the organisation gives up, each with a person's name.
	AcceptedRisks []AcceptedRisk `yaml:"accepted_risks,omitempty" json:"accepted_risks,omitempty"`
}

// PersonID is an opaque id that people.age resolves.
type PersonID string

// LocationID is an opaque id that people.age resolves.
type LocationID string

// Tenant names the tenant by facts that never change.
type Tenant struct {
	// ID is the tenant (directory) id, a GUID.
	ID string `yaml:"id" json:"id"`
	// InitialDomain is the domain with isInitial, for example contoso.onmicrosoft.com.
	InitialDomain string `yaml:"initial_domain" json:"initial_domain"`
	// Cloud is public (default), usgov-l4, usgov-l5 or china; another needs --endpoints.
	Cloud string `yaml:"cloud,omitempty" json:"cloud,omitempty"`
	// Profile is standard (default), strict, classic or free.
	Profile string `yaml:"profile,omitempty" json:"profile,omitempty"`
}

// Posture says how an account gets past Conditional Access.
type Posture string

// The postures.
const (
	// PostureExcluded: excluded from every policy, passkeys registered, password sealed or unknown.
	PostureExcluded Posture = "excluded"
	// PosturePasskeyRequired: under exactly one named policy that demands a passkey.
	PosturePasskeyRequired Posture = "passkey-required"
	// PosturePasswordOnly: no passkey; a high finding in the public cloud.
	PosturePasswordOnly Posture = "password-only"
)

// Account is one emergency account.
type Account struct {
	// ID is the account's name in this file, in commands and in reports.
	ID string `yaml:"id" json:"id"`
	// UserPrincipalName is on the initial domain and says nothing of its purpose.
	UserPrincipalName string `yaml:"user_principal_name" json:"user_principal_name"`
	// ObjectID adopts an existing account; without it the account is found by name or created.
	ObjectID string `yaml:"object_id,omitempty" json:"object_id,omitempty"`
	// DisplayName is neutral and no person's.
	DisplayName string `yaml:"display_name" json:"display_name"`
	// UsageLocation is a two-letter country code.
	UsageLocation string `yaml:"usage_location,omitempty" json:"usage_location,omitempty"`
	// Posture is excluded (default), passkey-required or password-only.
	Posture Posture `yaml:"posture,omitempty" json:"posture,omitempty"`
	// Policy is, for passkey-required, the object id of the one policy that may apply.
	Policy string `yaml:"policy,omitempty" json:"policy,omitempty"`
	// Password is sealed (default) or unknown (random, known to nobody, renewed).
	Password string `yaml:"password,omitempty" json:"password,omitempty"`
	// Quorum is how the sealed password is split; required when Password is sealed.
	Quorum *Quorum `yaml:"quorum,omitempty" json:"quorum,omitempty"`
	// Keys are the passkeys and who keeps each key and each PIN.
	Keys []Key `yaml:"keys,omitempty" json:"keys,omitempty"`
}

// Quorum is a SLIP-0039 plan: how many locations, and in each how many sheets of how many.
type Quorum struct {
	// Locations is how many locations must be opened (the group threshold).
	Locations int `yaml:"locations" json:"locations"`
	// Sheets are the groups, one per location.
	Sheets []LocationSheets `yaml:"sheets" json:"sheets"`
	// People asks for at least so many different people. SLIP-0039 cannot ask it on top of
	// locations and sheets: lint refuses what these two do not already bring about.
	People int `yaml:"people,omitempty" json:"people,omitempty"`
	// MustInclude asks that no opening goes without these people; refused likewise.
	MustInclude []PersonID `yaml:"must_include,omitempty" json:"must_include,omitempty"`
}

// LocationSheets are the sheets of one location.
type LocationSheets struct {
	// Location is where these sheets lie.
	Location LocationID `yaml:"location" json:"location"`
	// Need is how many of them are needed (the member threshold); 1 only with one custodian.
	Need int `yaml:"need" json:"need"`
	// Custodians keep one sheet each.
	Custodians []PersonID `yaml:"custodians" json:"custodians"`
}

// Key is one FIDO2 security key of an account.
type Key struct {
	// ID is the key's name in this file.
	ID string `yaml:"id" json:"id"`
	// Location is where the key lies; PIN says where its PIN's shares lie.
	Location LocationID `yaml:"location" json:"location"`
	PIN      *Quorum    `yaml:"pin,omitempty" json:"pin,omitempty"`
	// AAGUID is the model, Serial what is engraved.
	AAGUID string `yaml:"aaguid,omitempty" json:"aaguid,omitempty"`
	Serial string `yaml:"serial,omitempty" json:"serial,omitempty"`
}

// Location is a safe.
type Location struct {
	ID LocationID `yaml:"id" json:"id"`
	// Code is what sheets print: short, meaningless to a stranger.
	Code string `yaml:"code" json:"code"`
	// Access is everyone who can open it, custodian or not (deputies, facilities staff).
	Access []PersonID `yaml:"access" json:"access"`
}

// ExclusionGroup is a plain security group that policies may exclude besides the ids.
type ExclusionGroup struct {
	ObjectID    string `yaml:"object_id,omitempty" json:"object_id,omitempty"`
	DisplayName string `yaml:"display_name" json:"display_name"`
	// MailNickname finds the group again after a crash; unique by convention.
	MailNickname string `yaml:"mail_nickname" json:"mail_nickname"`
}

// RestrictedUnit is a restricted management administrative unit.
type RestrictedUnit struct {
	ObjectID    string `yaml:"object_id,omitempty" json:"object_id,omitempty"`
	DisplayName string `yaml:"display_name" json:"display_name"`
	// Accounts puts the accounts into the unit too (default no: rotation must leave and re-enter).
	Accounts bool `yaml:"accounts,omitempty" json:"accounts,omitempty"`
}

// ConditionalAccess says who may write policies.
type ConditionalAccess struct {
	// ManagedBy is breakglass (default: plan patches exclusions), or the name of another tool
	// (terraform, microsoft365dsc, other): then plan emits the change for that tool.
	ManagedBy string `yaml:"managed_by,omitempty" json:"managed_by,omitempty"`
}

// Channel is one way to tell people.
type Channel struct {
	ID string `yaml:"id" json:"id"`
	// Kind is mail, webhook, pagerduty, opsgenie, teams, slack, ntfy, telegram, syslog, cef, command, dead-man.
	Kind string `yaml:"kind" json:"kind"`
	// To are the people it reaches.
	To []PersonID `yaml:"to,omitempty" json:"to,omitempty"`
	// Settings are the kind's own, without secrets; SecretFile is a file of mode 0600.
	Settings   map[string]string `yaml:"settings,omitempty" json:"settings,omitempty"`
	SecretFile string            `yaml:"secret_file,omitempty" json:"secret_file,omitempty"`
}

// Cadences are how often things are due. Zero means the default.
type Cadences struct {
	// Rotate: default 90 days. Drill: default 90 days. Inventory: default 90 days. Review: default 30 days after use.
	Rotate    Days `yaml:"rotate,omitempty" json:"rotate,omitempty"`
	Drill     Days `yaml:"drill,omitempty" json:"drill,omitempty"`
	Inventory Days `yaml:"inventory,omitempty" json:"inventory,omitempty"`
	Review    Days `yaml:"review,omitempty" json:"review,omitempty"`
}

// Days is a span written as "90d".
type Days int

// Duration is the span.
func (d Days) Duration() time.Duration { return time.Duration(d) * 24 * time.Hour }

// Duty is who does a recurring work, and who does it when they cannot.
type Duty struct {
	Owner  PersonID `yaml:"owner" json:"owner"`
	Deputy PersonID `yaml:"deputy,omitempty" json:"deputy,omitempty"`
}

// AcceptedRisk gives up one lint rule for a stated reason; shown as unsigned until approved.
type AcceptedRisk struct {
	// Rule is the lint rule's code.
	Rule string `yaml:"rule" json:"rule"`
	// Person accepts it.
	Person PersonID `yaml:"person" json:"person"`
	Reason string   `yaml:"reason" json:"reason"`
}
