package logs

import "breakglass/internal/simtenant/state"

// signInDefaults is what Entra writes into every sign-in record, for the properties its
// caller did not give. Graph page "signIn resource type" (beta).
func signInDefaults(tx *state.Tx) state.Object {
	return state.Object{
		"correlationId":                    state.NewID(),
		"originalRequestId":                state.NewID(),
		"isInteractive":                    true,
		"signInEventTypes":                 []any{"interactiveUser"},
		"clientAppUsed":                    "Browser",
		"userAgent":                        "",
		"ipAddress":                        "",
		"conditionalAccessStatus":          "notApplied",
		"appliedConditionalAccessPolicies": []any{},
		"riskDetail":                       "none",
		"riskLevelAggregated":              "none",
		"riskLevelDuringSignIn":            "none",
		"riskState":                        "none",
		"riskEventTypes_v2":                []any{},
		"status":                           map[string]any{"errorCode": 0, "failureReason": "Other.", "additionalDetails": nil},
		"deviceDetail": map[string]any{
			"deviceId": "", "displayName": "", "operatingSystem": "", "browser": "",
			"isCompliant": false, "isManaged": false, "trustType": "",
		},
		"location": map[string]any{
			"city": "", "state": "", "countryOrRegion": "",
			"geoCoordinates": map[string]any{"altitude": nil, "latitude": nil, "longitude": nil},
		},
		"homeTenantId":                      tx.TenantID(),
		"resourceTenantId":                  tx.TenantID(),
		"servicePrincipalId":                "",
		"servicePrincipalName":              nil,
		"authenticationRequirement":         "singleFactorAuthentication",
		"authenticationDetails":             []any{},
		"authenticationProcessingDetails":   []any{},
		"authenticationMethodsUsed":         []any{},
		"authenticationRequirementPolicies": []any{
			// The live service sends at least one element on most records, empty where nobody asked for more.
		},
		"sessionLifetimePolicies": []any{},
		"authenticationProtocol":  "none",
		"incomingTokenType":       "none",
		"crossTenantAccessType":   "none",
		"tokenIssuerType":         "AzureAD",
		"userType":                "member",
		"uniqueTokenIdentifier":   state.NewID(),
		"riskEventTypes":          []any{},

		"mfaDetail": nil, "flaggedForReview": nil, "alternateSignInName": nil, "signInIdentifierType": nil, "signInIdentifier": "",
		"isTenantRestricted": false, "originalTransferMethod": "none", "sessionId": nil, "networkLocationDetails": []any{},
		"authenticationContextClassReferences": []any{}, "appliedEventListeners": []any{}, "conditionalAccessAudiences": []any{},
		"federatedCredentialId": nil, "servicePrincipalCredentialKeyId": nil, "servicePrincipalCredentialThumbprint": "",
		"authenticationAppDeviceDetails": nil, "azureResourceId": nil, "homeTenantName": "", "tokenIssuerName": "",
	}
}

// FailureReason is Entra's text for a sign-in's error code, from the page "Microsoft Entra
// authentication and authorization error codes"; codes not listed read "Other.".
func FailureReason(code int) string {
	if s, ok := reasons[code]; ok {
		return s
	}
	return "Other."
}

var reasons = map[int]string{
	50053:   "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
	50055:   "The password is expired.",
	50057:   "The user account is disabled.",
	50072:   "User needs to enroll for second factor authentication.",
	50074:   "Strong Authentication is required.",
	50076:   "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
	50079:   "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access the resource.",
	50097:   "Device authentication is required.",
	50126:   "Error validating credentials due to invalid username or password.",
	50133:   "Session is invalid due to expiration or recent password change.",
	50140:   "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
	50158:   "External security challenge was not satisfied.",
	50173:   "Fresh auth token is needed.",
	53000:   "Device is not in required device state.",
	53001:   "Device is not in required device state: domain joined.",
	53003:   "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
	53004:   "User needs to complete multi-factor authentication registration process before accessing this content.",
	65001:   "The user or administrator has not consented to use the application.",
	70043:   "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.",
	500121:  "Authentication failed during strong authentication request.",
	530035:  "Access has been blocked by security defaults.",
	700016:  "Application was not found in the directory.",
	7000215: "Invalid client secret is provided.",
}
