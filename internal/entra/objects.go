package entra

import (
	"encoding/json"
	"time"
)

// The built-in roles that can undo a lockout, cause one, or reach an emergency account. A
// built-in role's definition id equals its template id in every tenant ("Microsoft Entra
// built-in roles").
const (
	RoleGlobalAdministrator                   = "62e90394-69f5-4237-9190-012177145e10"
	RolePrivilegedRoleAdministrator           = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	RolePrivilegedAuthenticationAdministrator = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	RoleConditionalAccessAdministrator        = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
	RoleSecurityAdministrator                 = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	RoleAuthenticationPolicyAdministrator     = "0526716b-113d-4c15-b2c8-68e3c22b9f80"
	RolePartnerTier2Support                   = "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8"
	RoleDirectorySynchronization              = "d29b2b05-8046-44ba-8758-1e26182fcf32"
	RoleApplicationAdministrator              = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	RoleCloudApplicationAdministrator         = "158c047a-c907-4556-b7ef-446551a6b5f7"
)

// WatchedRoles are the roles whose assignments, instances and eligibilities a reading holds;
// of other roles it holds none. The first AdministratorRoles of them are those whose holders
// are read as users too: they can undo a lockout.
func WatchedRoles() []string {
	return []string{
		RoleGlobalAdministrator, RolePrivilegedRoleAdministrator, RolePrivilegedAuthenticationAdministrator,
		RoleConditionalAccessAdministrator, RoleSecurityAdministrator, RoleAuthenticationPolicyAdministrator,
		RolePartnerTier2Support, RoleDirectorySynchronization, RoleApplicationAdministrator, RoleCloudApplicationAdministrator,
	}
}

// AdministratorRoles is how many of WatchedRoles have their holders read as users.
const AdministratorRoles = 4

// Tenant is the organization itself.
type Tenant struct {
	ID                    string        `json:"id"`
	DisplayName           Maybe[string] `json:"displayName,omitzero"`
	OnPremisesSyncEnabled Maybe[bool]   `json:"onPremisesSyncEnabled,omitzero"`
}

// Domain is a verified or unverified domain of the tenant; ID is its name.
type Domain struct {
	ID                 string        `json:"id"`
	IsInitial          Maybe[bool]   `json:"isInitial,omitzero"`
	IsDefault          Maybe[bool]   `json:"isDefault,omitzero"`
	IsVerified         Maybe[bool]   `json:"isVerified,omitzero"`
	AuthenticationType Maybe[string] `json:"authenticationType,omitzero"`
	PasswordValidity   Maybe[int]    `json:"passwordValidityPeriodInDays,omitzero"`
}

// ServicePlan is one capability bought with a subscription.
type ServicePlan struct {
	ServicePlanID   string `json:"servicePlanId"`
	ServicePlanName string `json:"servicePlanName"`
	// CapabilityStatus is that of the subscription: Enabled, Warning, Suspended, Deleted, LockedOut.
	CapabilityStatus Maybe[string] `json:"capabilityStatus,omitzero"`
}

// SecurityDefaults is the tenant-wide switch that forces MFA and knows no exclusion.
type SecurityDefaults struct {
	IsEnabled Maybe[bool] `json:"isEnabled,omitzero"`
}

// User is one user of interest: an emergency account, a holder of a powerful role, or a
// member of the exclusion group. Users at large are never read.
type User struct {
	ID                     string                `json:"id"`
	UserPrincipalName      Maybe[string]         `json:"userPrincipalName,omitzero"`
	DisplayName            Maybe[string]         `json:"displayName,omitzero"`
	AccountEnabled         Maybe[bool]           `json:"accountEnabled,omitzero"`
	UserType               Maybe[string]         `json:"userType,omitzero"`
	CreatedDateTime        Maybe[time.Time]      `json:"createdDateTime,omitzero"`
	OnPremisesSyncEnabled  Maybe[bool]           `json:"onPremisesSyncEnabled,omitzero"`
	OnPremisesImmutableID  Maybe[string]         `json:"onPremisesImmutableId,omitzero"`
	PasswordPolicies       Maybe[string]         `json:"passwordPolicies,omitzero"`
	LastPasswordChange     Maybe[time.Time]      `json:"lastPasswordChangeDateTime,omitzero"`
	SessionsValidFrom      Maybe[time.Time]      `json:"signInSessionsValidFromDateTime,omitzero"`
	SignInActivity         Maybe[SignInActivity] `json:"signInActivity,omitzero"`
	IsManagementRestricted Maybe[bool]           `json:"isManagementRestricted,omitzero"`
	UsageLocation          Maybe[string]         `json:"usageLocation,omitzero"`
	GivenName              Maybe[string]         `json:"givenName,omitzero"`
	Surname                Maybe[string]         `json:"surname,omitzero"`
	JobTitle               Maybe[string]         `json:"jobTitle,omitzero"`
	Mail                   Maybe[string]         `json:"mail,omitzero"`
	OtherMails             Maybe[[]string]       `json:"otherMails,omitzero"`
	MobilePhone            Maybe[string]         `json:"mobilePhone,omitzero"`
	BusinessPhones         Maybe[[]string]       `json:"businessPhones,omitzero"`
	EmployeeLeave          Maybe[time.Time]      `json:"employeeLeaveDateTime,omitzero"`

	// Methods are the registered authentication methods (PartMethods).
	Methods Maybe[[]Method] `json:"authenticationMethods,omitzero"`
	// PerUserMFA is disabled, enabled or enforced (PartPerUserMFA; beta only).
	PerUserMFA Maybe[string] `json:"perUserMfaState,omitzero"`
	// MemberOf are the ids of groups, activated directory roles and units the user is in,
	// through any nesting (PartMemberOf).
	MemberOf Maybe[[]Membership] `json:"transitiveMemberOf,omitzero"`
	// Risk is the user's risk state (PartRisk; needs P2).
	Risk Maybe[UserRisk] `json:"risk,omitzero"`
}

// SignInActivity is up to 24 hours late; LastSignIn counts attempts, LastSuccessful does not.
type SignInActivity struct {
	LastSignIn               Maybe[time.Time] `json:"lastSignInDateTime,omitzero"`
	LastNonInteractiveSignIn Maybe[time.Time] `json:"lastNonInteractiveSignInDateTime,omitzero"`
	LastSuccessfulSignIn     Maybe[time.Time] `json:"lastSuccessfulSignInDateTime,omitzero"`
}

// Method is a registered authentication method. Type is the `@odata.type` without
// "#microsoft.graph.", for example fido2AuthenticationMethod.
type Method struct {
	ID               string           `json:"id"`
	Type             string           `json:"type"`
	DisplayName      Maybe[string]    `json:"displayName,omitzero"`
	CreatedDateTime  Maybe[time.Time] `json:"createdDateTime,omitzero"`
	AAGUID           Maybe[string]    `json:"aaGuid,omitzero"`
	Model            Maybe[string]    `json:"model,omitzero"`
	AttestationLevel Maybe[string]    `json:"attestationLevel,omitzero"`
	PasskeyType      Maybe[string]    `json:"passkeyType,omitzero"`
}

// Membership is one container a principal is in. Type is group, directoryRole or administrativeUnit.
type Membership struct {
	ID             string        `json:"id"`
	Type           string        `json:"type"`
	DisplayName    Maybe[string] `json:"displayName,omitzero"`
	RoleTemplateID Maybe[string] `json:"roleTemplateId,omitzero"`
}

// UserRisk is a user's state in Identity Protection.
type UserRisk struct {
	State Maybe[string] `json:"riskState,omitzero"`
	Level Maybe[string] `json:"riskLevel,omitzero"`
}

// Group is a group that a policy, a role or the plan names.
type Group struct {
	ID                     string          `json:"id"`
	DisplayName            Maybe[string]   `json:"displayName,omitzero"`
	MailNickname           Maybe[string]   `json:"mailNickname,omitzero"`
	SecurityEnabled        Maybe[bool]     `json:"securityEnabled,omitzero"`
	MailEnabled            Maybe[bool]     `json:"mailEnabled,omitzero"`
	GroupTypes             Maybe[[]string] `json:"groupTypes,omitzero"`
	IsAssignableToRole     Maybe[bool]     `json:"isAssignableToRole,omitzero"`
	IsManagementRestricted Maybe[bool]     `json:"isManagementRestricted,omitzero"`
	OnPremisesSyncEnabled  Maybe[bool]     `json:"onPremisesSyncEnabled,omitzero"`
	// Members are all members, nested ones too, where they were asked for (PartGroupMembers:
	// the exclusion group, groups that hold powerful roles). Other groups are resolved from
	// the user's side (User.MemberOf), so that the cost does not grow with the tenant.
	Members Maybe[[]Member] `json:"transitiveMembers,omitzero"`
	Owners  Maybe[[]Member] `json:"owners,omitzero"`
}

// Member is a directory object in a group or unit. Type is user, group, servicePrincipal or device.
type Member struct {
	ID          string        `json:"id"`
	Type        string        `json:"type"`
	DisplayName Maybe[string] `json:"displayName,omitzero"`
	// Direct is whether it is a member itself and not only through a group inside; mostly
	// not told, because one listing of all members does not say it.
	Direct Maybe[bool] `json:"direct,omitzero"`
}

// AdministrativeUnit is a unit; a restricted one blocks changes of its members.
type AdministrativeUnit struct {
	ID           string          `json:"id"`
	DisplayName  Maybe[string]   `json:"displayName,omitzero"`
	IsRestricted Maybe[bool]     `json:"isMemberManagementRestricted,omitzero"`
	Members      Maybe[[]Member] `json:"members,omitzero"`
}

// RoleAssignment is a unifiedRoleAssignment: who holds a role now, however it came.
type RoleAssignment struct {
	ID            string        `json:"id"`
	RoleID        string        `json:"roleDefinitionId"`
	PrincipalID   string        `json:"principalId"`
	PrincipalType Maybe[string] `json:"principalType,omitzero"` // user, group, servicePrincipal
	Scope         Maybe[string] `json:"directoryScopeId,omitzero"`
}

// RoleInstance is a role assignment or eligibility schedule instance of PIM.
type RoleInstance struct {
	ID             string           `json:"id"`
	RoleID         string           `json:"roleDefinitionId"`
	PrincipalID    string           `json:"principalId"`
	Scope          Maybe[string]    `json:"directoryScopeId,omitzero"`
	AssignmentType Maybe[string]    `json:"assignmentType,omitzero"` // Assigned or Activated
	MemberType     Maybe[string]    `json:"memberType,omitzero"`     // Direct, Group or Inherited
	Start          Maybe[time.Time] `json:"startDateTime,omitzero"`  // null: assigned outside PIM
	End            Maybe[time.Time] `json:"endDateTime,omitzero"`    // null: permanent
}

// RoleSetting is the PIM rules of one role.
type RoleSetting struct {
	RoleID string `json:"roleDefinitionId"`
	// PolicyID is the id of the role management policy that the rules belong to.
	PolicyID string     `json:"policyId,omitempty"`
	Rules    []RoleRule `json:"rules"`
}

// RoleRule is one rule of a role's PIM policy, by its id (for example
// Expiration_Admin_Assignment). Only the members of its kind are known.
type RoleRule struct {
	ID                   string          `json:"id"`
	IsExpirationRequired Maybe[bool]     `json:"isExpirationRequired,omitzero"`
	MaximumDuration      Maybe[string]   `json:"maximumDuration,omitzero"`
	EnabledRules         Maybe[[]string] `json:"enabledRules,omitzero"`
	IsApprovalRequired   Maybe[bool]     `json:"isApprovalRequired,omitzero"`
	Approvers            Maybe[[]Member] `json:"primaryApprovers,omitzero"`
	IsEnabled            Maybe[bool]     `json:"isEnabled,omitzero"` // of an authentication context rule
	ClaimValue           Maybe[string]   `json:"claimValue,omitzero"`
}

// NamedLocation is an IP or country location. Type is ipNamedLocation, countryNamedLocation, or another.
type NamedLocation struct {
	ID             string          `json:"id"`
	Type           string          `json:"type"`
	DisplayName    Maybe[string]   `json:"displayName,omitzero"`
	IsTrusted      Maybe[bool]     `json:"isTrusted,omitzero"`
	IPRanges       Maybe[[]string] `json:"ipRanges,omitzero"`
	Countries      Maybe[[]string] `json:"countriesAndRegions,omitzero"`
	IncludeUnknown Maybe[bool]     `json:"includeUnknownCountriesAndRegions,omitzero"`
}

// AuthenticationStrength is a set of accepted combinations of methods.
type AuthenticationStrength struct {
	ID                  string          `json:"id"`
	DisplayName         Maybe[string]   `json:"displayName,omitzero"`
	PolicyType          Maybe[string]   `json:"policyType,omitzero"`
	AllowedCombinations Maybe[[]string] `json:"allowedCombinations,omitzero"`
	// AllowedAAGUIDs narrows fido2 by the combination configurations; null when nothing narrows it.
	AllowedAAGUIDs Maybe[[]string] `json:"allowedAAGUIDs,omitzero"`
}

// AuthenticationMethodsPolicy says which methods may be registered and used.
type AuthenticationMethodsPolicy struct {
	MigrationState  Maybe[string]         `json:"policyMigrationState,omitzero"`
	CampaignState   Maybe[string]         `json:"registrationCampaignState,omitzero"`
	CampaignExclude Maybe[[]Target]       `json:"registrationCampaignExcludeTargets,omitzero"`
	Configurations  []MethodConfiguration `json:"configurations"`
}

// Target is a user or group that a configuration includes or excludes; id "all_users" is everybody.
type Target struct {
	ID   string `json:"id"`
	Type string `json:"targetType"`
	// AllowedPasskeyProfiles are ids of the Fido2 configuration's profiles: a key of this target
	// must fit one of them. Empty: the configuration's own restrictions hold.
	AllowedPasskeyProfiles Maybe[[]string] `json:"allowedPasskeyProfiles,omitzero"`
}

// MethodConfiguration is one method's switch and restrictions; ID is Fido2, X509Certificate and so on.
type MethodConfiguration struct {
	ID                    string                 `json:"id"`
	Type                  string                 `json:"type"`
	State                 Maybe[string]          `json:"state,omitzero"`
	IsAttestationEnforced Maybe[bool]            `json:"isAttestationEnforced,omitzero"`
	KeyRestrictions       Maybe[KeyRestrictions] `json:"keyRestrictions,omitzero"`
	IncludeTargets        Maybe[[]Target]        `json:"includeTargets,omitzero"`
	ExcludeTargets        Maybe[[]Target]        `json:"excludeTargets,omitzero"`
	// PasskeyProfiles are of Fido2 only, and not in every cloud.
	PasskeyProfiles Maybe[[]PasskeyProfile] `json:"passkeyProfiles,omitzero"`
}

// PasskeyProfile restricts the passkeys of the targets that name it.
type PasskeyProfile struct {
	ID              string                 `json:"id"`
	Name            Maybe[string]          `json:"name,omitzero"`
	PasskeyTypes    Maybe[string]          `json:"passkeyTypes,omitzero"` // a comma list: deviceBound, synced
	KeyRestrictions Maybe[KeyRestrictions] `json:"keyRestrictions,omitzero"`
}

// KeyRestrictions bind registration and authentication: removing an AAGUID kills registered keys.
type KeyRestrictions struct {
	IsEnforced      Maybe[bool]     `json:"isEnforced,omitzero"`
	EnforcementType Maybe[string]   `json:"enforcementType,omitzero"` // allow or block
	AAGUIDs         Maybe[[]string] `json:"aaGuids,omitzero"`
}

// AuthorizationPolicy holds the switch that lets administrators reset their own password.
type AuthorizationPolicy struct {
	AllowedToUseSSPR Maybe[bool] `json:"allowedToUseSSPR,omitzero"`
}

// ServicePrincipal is a client through which a repair could be made (Graph PowerShell and the like).
type ServicePrincipal struct {
	ID                 string        `json:"id"`
	AppID              string        `json:"appId"`
	DisplayName        Maybe[string] `json:"displayName,omitzero"`
	AccountEnabled     Maybe[bool]   `json:"accountEnabled,omitzero"`
	AssignmentRequired Maybe[bool]   `json:"appRoleAssignmentRequired,omitzero"`
	// Scopes are the delegated Graph permissions consented for everybody.
	Scopes Maybe[[]string] `json:"consentedScopes,omitzero"`
}

// AppPower is one application permission of Graph that an application holds.
type AppPower struct {
	PrincipalID string `json:"principalId"`
	DisplayName string `json:"displayName"`
	Permission  string `json:"permission"`
}

// PolicyChange is the last write of a Conditional Access policy that the audit log shows.
type PolicyChange struct {
	PolicyID string    `json:"policyId"`
	At       time.Time `json:"activityDateTime"`
	// ActorKind is user or application; Actor its id, ActorName for people.
	ActorKind string `json:"actorKind"`
	Actor     string `json:"actor"`
	ActorName string `json:"actorName"`
}

// Policy is a Conditional Access policy as read in v1.0 and in beta.
type Policy struct {
	ID              string                 `json:"id"`
	DisplayName     Maybe[string]          `json:"displayName,omitzero"`
	TemplateID      Maybe[string]          `json:"templateId,omitzero"`
	CreatedDateTime Maybe[time.Time]       `json:"createdDateTime,omitzero"`
	ModifiedDate    Maybe[time.Time]       `json:"modifiedDateTime,omitzero"`
	State           Maybe[string]          `json:"state,omitzero"` // enabled, disabled, enabledForReportingButNotEnforced
	Conditions      Maybe[Conditions]      `json:"conditions,omitzero"`
	GrantControls   Maybe[GrantControls]   `json:"grantControls,omitzero"` // null: no grant control
	SessionControls Maybe[json.RawMessage] `json:"sessionControls,omitzero"`

	// Versions are the API versions in which the policy appeared: "v1.0", "beta". One that
	// appears in one only was changed between the readings, or hides something.
	Versions []string `json:"versions"`
	// Strange are members that we do not model, or that only beta has: while an account is
	// not excluded such a policy can do what we cannot tell.
	Strange []StrangeMember `json:"strange,omitempty"`
}

// StrangeMember is a member of a policy that we do not understand.
type StrangeMember struct {
	Path    string          `json:"path"`
	Version string          `json:"version"`
	Value   json.RawMessage `json:"value"`
}

// Conditions are all ANDed.
type Conditions struct {
	Users                      Maybe[UserCondition]        `json:"users,omitzero"`
	Applications               Maybe[ApplicationCondition] `json:"applications,omitzero"`
	ClientApplications         Maybe[ClientApplications]   `json:"clientApplications,omitzero"` // set: a workload policy
	ClientAppTypes             Maybe[[]string]             `json:"clientAppTypes,omitzero"`
	Platforms                  Maybe[Platforms]            `json:"platforms,omitzero"`
	Locations                  Maybe[Locations]            `json:"locations,omitzero"`
	Devices                    Maybe[Devices]              `json:"devices,omitzero"`
	AuthenticationFlows        Maybe[AuthenticationFlows]  `json:"authenticationFlows,omitzero"`
	UserRiskLevels             Maybe[[]string]             `json:"userRiskLevels,omitzero"`
	SignInRiskLevels           Maybe[[]string]             `json:"signInRiskLevels,omitzero"`
	ServicePrincipalRiskLevels Maybe[[]string]             `json:"servicePrincipalRiskLevels,omitzero"`
	InsiderRiskLevels          Maybe[string]               `json:"insiderRiskLevels,omitzero"`
}

// UserCondition: exclude beats include across all dimensions.
type UserCondition struct {
	IncludeUsers  Maybe[[]string]        `json:"includeUsers,omitzero"`
	ExcludeUsers  Maybe[[]string]        `json:"excludeUsers,omitzero"`
	IncludeGroups Maybe[[]string]        `json:"includeGroups,omitzero"`
	ExcludeGroups Maybe[[]string]        `json:"excludeGroups,omitzero"`
	IncludeRoles  Maybe[[]string]        `json:"includeRoles,omitzero"`
	ExcludeRoles  Maybe[[]string]        `json:"excludeRoles,omitzero"`
	IncludeGuests Maybe[json.RawMessage] `json:"includeGuestsOrExternalUsers,omitzero"`
	ExcludeGuests Maybe[json.RawMessage] `json:"excludeGuestsOrExternalUsers,omitzero"`
}

// ApplicationCondition is what the sign-in is for: resources, user actions, or contexts.
type ApplicationCondition struct {
	IncludeApplications Maybe[[]string]        `json:"includeApplications,omitzero"`
	ExcludeApplications Maybe[[]string]        `json:"excludeApplications,omitzero"`
	IncludeUserActions  Maybe[[]string]        `json:"includeUserActions,omitzero"`
	IncludeContexts     Maybe[[]string]        `json:"includeAuthenticationContextClassReferences,omitzero"`
	Filter              Maybe[json.RawMessage] `json:"applicationFilter,omitzero"`
}

// ClientApplications makes a policy one for workload identities.
type ClientApplications struct {
	Include Maybe[[]string]        `json:"includeServicePrincipals,omitzero"`
	Exclude Maybe[[]string]        `json:"excludeServicePrincipals,omitzero"`
	Filter  Maybe[json.RawMessage] `json:"servicePrincipalFilter,omitzero"`
}

// Platforms are device platforms.
type Platforms struct {
	Include Maybe[[]string] `json:"includePlatforms,omitzero"`
	Exclude Maybe[[]string] `json:"excludePlatforms,omitzero"`
}

// Locations are named locations, All or AllTrusted.
type Locations struct {
	Include Maybe[[]string] `json:"includeLocations,omitzero"`
	Exclude Maybe[[]string] `json:"excludeLocations,omitzero"`
}

// Devices is the device filter.
type Devices struct {
	Filter Maybe[DeviceFilter] `json:"deviceFilter,omitzero"`
}

// DeviceFilter includes or excludes devices by rule.
type DeviceFilter struct {
	Mode Maybe[string] `json:"mode,omitzero"`
	Rule Maybe[string] `json:"rule,omitzero"`
}

// AuthenticationFlows is a comma list: deviceCodeFlow, authenticationTransfer.
type AuthenticationFlows struct {
	TransferMethods Maybe[string] `json:"transferMethods,omitzero"`
}

// GrantControls is what must be met, by all (AND) or any (OR).
type GrantControls struct {
	Operator        Maybe[string]      `json:"operator,omitzero"`
	BuiltInControls Maybe[[]string]    `json:"builtInControls,omitzero"`
	CustomFactors   Maybe[[]string]    `json:"customAuthenticationFactors,omitzero"`
	TermsOfUse      Maybe[[]string]    `json:"termsOfUse,omitzero"`
	Strength        Maybe[StrengthRef] `json:"authenticationStrength,omitzero"`
}

// StrengthRef names an authentication strength.
type StrengthRef struct {
	ID                  string          `json:"id"`
	DisplayName         Maybe[string]   `json:"displayName,omitzero"`
	AllowedCombinations Maybe[[]string] `json:"allowedCombinations,omitzero"`
}
