package graph

import "strings"

// defaultProperties is what v1.0 shows of a type without $select, absent values as null:
// for a user eleven properties ("user resource type"), for the other directory types
// nearly all. Types that are not here show what is stored.
var defaultProperties = map[string][]string{
	"user":               strings.Fields("businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname userPrincipalName id"),
	"group":              strings.Fields("id deletedDateTime classification createdDateTime description displayName expirationDateTime groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme uniqueName visibility onPremisesProvisioningErrors serviceProvisioningErrors"),
	"administrativeUnit": strings.Fields("id deletedDateTime displayName description isMemberManagementRestricted visibility membershipRule membershipRuleProcessingState membershipType"),
	"application":        strings.Fields("id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime displayName description groupMembershipClaims identifierUris isDeviceOnlyAuthSupported isFallbackPublicClient nativeAuthenticationApisEnabled notes publisherDomain serviceManagementReference signInAudience tags tokenEncryptionKeyId uniqueName samlMetadataUrl defaultRedirectUri certification optionalClaims servicePrincipalLockConfiguration requestSignatureVerification addIns api appRoles info keyCredentials parentalControlSettings passwordCredentials publicClient requiredResourceAccess verifiedPublisher web spa"),
	"servicePrincipal":   strings.Fields("id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired description disabledByMicrosoftStatus displayName homepage loginUrl logoutUrl notes notificationEmailAddresses preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames servicePrincipalType signInAudience tags tokenEncryptionKeyId samlSingleSignOnSettings addIns appRoles info keyCredentials oauth2PermissionScopes passwordCredentials resourceSpecificApplicationPermissions verifiedPublisher"),
	"device":             strings.Fields("id deletedDateTime accountEnabled approximateLastSignInDateTime complianceExpirationDateTime deviceCategory deviceId deviceMetadata deviceOwnership deviceVersion displayName enrollmentProfileName enrollmentType isCompliant isManaged isRooted managementType manufacturer mdmAppId model onPremisesLastSyncDateTime onPremisesSyncEnabled operatingSystem operatingSystemVersion physicalIds profileType registrationDateTime systemLabels trustType"),
	"domain":             strings.Fields("id authenticationType availabilityStatus isAdminManaged isDefault isInitial isRoot isVerified supportedServices passwordValidityPeriodInDays passwordNotificationWindowInDays state manufacturer model"),
}

// onlySelected are properties that have to be named in $select, in beta too.
var onlySelected = map[string][]string{
	"user":  strings.Fields("signInActivity passwordProfile isManagementRestricted aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills mailboxSettings customSecurityAttributes deviceEnrollmentLimit print"),
	"group": strings.Fields("isManagementRestricted allowExternalSenders autoSubscribeNewMembers hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients isSubscribedByMail unseenCount isArchived accessType"),
}
