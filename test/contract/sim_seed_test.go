package contract

import (
	"fmt"

	"breakglass/internal/simtenant/state"
)

// methodPaths are the typed collections below /authentication.
var methodPaths = map[string]string{
	"fido2": "fido2Methods", "microsoftAuthenticator": "microsoftAuthenticatorMethods", "phone": "phoneMethods", "email": "emailMethods",
	"softwareOath": "softwareOathMethods", "windowsHelloForBusiness": "windowsHelloForBusinessMethods", "platformCredential": "platformCredentialMethods",
	"external": "externalAuthenticationMethods", "temporaryAccessPass": "temporaryAccessPassMethods", "hardwareOath": "hardwareOathMethods",
}

// seededMethods is one method of every kind, in the words of each kind's resource page.
var seededMethods = map[string]state.Object{
	"fido2": {
		"displayName": "Safe A", "aaGuid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "model": "YubiKey 5 Series with NFC",
		"attestationLevel": "attested", "attestationCertificates": []any{}, "passkeyType": "deviceBound",
	},
	"microsoftAuthenticator":  {"displayName": "Telephone", "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.2606.3812", "_code": telephoneCode},
	"phone":                   {"phoneNumber": "+49 1701234567", "phoneType": "mobile", "smsSignInState": "notAllowedByPolicy"},
	"email":                   {"emailAddress": "a@example.com"},
	"softwareOath":            {"secretKey": nil},
	"windowsHelloForBusiness": {"displayName": "Laptop", "keyStrength": "normal"},
	"platformCredential":      {"displayName": "Mac", "platform": "macOS", "keyStrength": "normal"},
	"external":                {"displayName": "Other provider", "configurationId": "5eed2222-0000-4000-8000-000000000000"},
	"temporaryAccessPass":     {"lifetimeInMinutes": 600, "isUsableOnce": false, "isUsable": true, "methodUsabilityReason": "EnabledByPolicy", "temporaryAccessPass": nil},
	"hardwareOath":            {},
}

const (
	seededDevice   = "5eed3333-0000-4000-8000-000000000000"
	seededRequest  = "5eed5555-" // and the version
	seededWorkflow = "5eed4444-0000-4000-8000-000000000000"
)

// seed adds what the shipped tenants have not one of: every kind of method for two people,
// a device, a lifecycle workflow.
func (w *walk) seed(tx *state.Tx) {
	for _, u := range tx.List("users") {
		if u.ID() != w.creds.Device.ID && u.String("userType") == "Member" && w.other == "" {
			w.other = u.ID()
		}
	}
	n := 0
	for kind, props := range seededMethods {
		for _, owner := range []string{w.creds.Device.ID, w.other} {
			n++
			m := props.Clone()
			m["id"], m["_user"] = fmt.Sprintf("5eed0000-0000-4000-8000-%012d", n), owner
			m["@odata.type"], m["createdDateTime"] = "#microsoft.graph."+kind+"AuthenticationMethod", state.Timestamp(tx.Now())
			if kind == "temporaryAccessPass" {
				m["startDateTime"] = state.Timestamp(tx.Now())
			}
			tx.Put("authenticationMethods", m)
		}
	}
	tx.Put("devices", state.Object{
		"id": seededDevice, "deviceId": seededDevice, "displayName": "Laptop", "accountEnabled": true, "operatingSystem": "Windows", "trustType": "AzureAd", "isManaged": true, "isCompliant": true,
	})
	for _, version := range []string{"v1.0", "beta"} {
		tx.Put("roleManagement/directory/roleAssignmentScheduleRequests", state.Object{
			"id": seededRequest + version, "action": "selfActivate", "status": "PendingApproval", "principalId": w.creds.Device.ID, "roleDefinitionId": reader0, "directoryScopeId": "/",
			"createdDateTime": state.Timestamp(tx.Now()), "createdBy": map[string]any{"user": map[string]any{"id": w.creds.Device.ID}},
		})
	}
	tx.Link("registeredOwners", seededDevice, w.other)
	tx.Put("identityGovernance/lifecycleWorkflows/workflows", state.Object{"id": seededWorkflow, "displayName": "Leaver", "category": "leaver", "isEnabled": true})
}
