package logs

import (
	"encoding/json"

	"breakglass/internal/simtenant/state"
)

// The services that write audit records.
const (
	CoreDirectory     = "Core Directory"
	PIM               = "PIM"
	ConditionalAccess = "Conditional Access"
	Authentication    = "Authentication Methods"
	Protection        = "Identity Protection"
)

// Event is a record with its four words (category, service, operation, activity), who did
// it and to what. An operation is Add, Update, Delete, Assign, Unassign or the like.
func Event(category, service, operation, activity string, by state.Object, targets ...state.Object) state.Object {
	list := make([]any, len(targets))
	for i, t := range targets {
		list[i] = map[string]any(t)
	}
	return state.Object{
		"category": category, "loggedByService": service, "operationType": operation,
		"activityDisplayName": activity, "initiatedBy": map[string]any(by), "targetResources": list,
	}
}

// By is the initiatedBy of a principal's act from an address: the user behind a delegated
// token, else the application, whose appId Entra leaves empty in directory records.
func By(tx *state.Tx, who state.Principal, ip string) state.Object {
	if !who.User {
		name := tx.Get("servicePrincipals", who.ObjectID).String("displayName")
		return ByApp(name, who.ObjectID)
	}
	u := tx.Get("users", who.ObjectID)
	return state.Object{"app": nil, "user": map[string]any{
		"id": who.ObjectID, "displayName": nil, "userPrincipalName": u.String("userPrincipalName"), "ipAddress": ip,
	}}
}

// ByApp is the initiatedBy of a service, such as "MS-PIM" for the second half of a PIM act.
func ByApp(name, servicePrincipalID string) state.Object {
	app := map[string]any{"appId": nil, "displayName": name, "servicePrincipalId": nil, "servicePrincipalName": nil}
	if servicePrincipalID != "" {
		app["servicePrincipalId"] = servicePrincipalID
	}
	return state.Object{"user": nil, "app": app}
}

// Target is one element of targetResources: a kind (User, Role, Group, Policy,
// ServicePrincipal, Other), the object's id and names, and what changed.
func Target(kind string, o state.Object, changes ...state.Object) state.Object {
	t := state.Object{
		"id": o.ID(), "displayName": nil, "type": kind, "userPrincipalName": nil, "groupType": nil,
	}
	if n := o.String("displayName"); n != "" && kind != "User" {
		t["displayName"] = n
	}
	if upn := o.String("userPrincipalName"); upn != "" {
		t["userPrincipalName"] = upn
	}
	if kind == "Group" {
		t["groupType"] = "azureAD"
		if len(o.Strings("groupTypes")) > 0 {
			t["groupType"] = "unifiedGroups"
		}
	}
	list := make([]any, len(changes))
	for i, c := range changes {
		list[i] = map[string]any(c)
	}
	t["modifiedProperties"] = list
	return t
}

// Changed is one modified property. Old and new are written as strings that hold JSON,
// as Entra does; nil is null. Core Directory wraps most attribute values in an array
// ("[true]"): its callers pass []any{true}.
func Changed(name string, old, updated any) state.Object {
	return state.Object{"displayName": name, "oldValue": encoded(old), "newValue": encoded(updated)}
}

func encoded(v any) any {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil { // values come from JSON, so they go back to JSON
		panic("logs: a modified property that is not JSON: " + err.Error())
	}
	return string(b)
}
