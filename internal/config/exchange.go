package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// EmergencyAccessAccount is one entry of the list that Maester and Microsoft's Zero Trust
// assessment share, so that their checks know the accounts.
type EmergencyAccessAccount struct {
	// Type is User or Group.
	Type string `json:"Type"`
	// UserPrincipalName or Id says which; an object id is kept when both are known.
	UserPrincipalName string `json:"UserPrincipalName,omitempty"`
	ID                string `json:"Id,omitempty"`
}

type exchangeFile struct {
	GlobalSettings *struct {
		EmergencyAccessAccounts []EmergencyAccessAccount `json:"EmergencyAccessAccounts"`
	} `json:"GlobalSettings"`
}

// ExportAccounts writes the plan's accounts, and its exclusion group when its id is known,
// in the form that Maester and the Zero Trust assessment read.
func ExportAccounts(d *Desired) []byte {
	var list []EmergencyAccessAccount
	for _, a := range d.Accounts {
		e := EmergencyAccessAccount{Type: "User", ID: a.ObjectID}
		if a.ObjectID == "" {
			e.UserPrincipalName = a.UserPrincipalName
		}
		list = append(list, e)
	}
	if g := d.ExclusionGroup; g != nil && g.ObjectID != "" {
		list = append(list, EmergencyAccessAccount{Type: "Group", ID: g.ObjectID})
	}
	out, err := json.MarshalIndent(map[string]any{"GlobalSettings": map[string]any{"EmergencyAccessAccounts": list}}, "", "  ")
	if err != nil {
		panic("a list of strings encodes: " + err.Error())
	}
	return append(out, '\n')
}

// ImportAccounts reads that list out of a Maester or Zero Trust assessment configuration.
// Other settings in the file are those tools' own and are passed over; an entry of the list
// that cannot be understood is an error, never left out. Errors are of type Errors.
func ImportAccounts(name string, data []byte) ([]EmergencyAccessAccount, error) {
	if e := wrongBytes(name, data); e != nil {
		return nil, Errors{*e}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // PowerShell writes it
	var f exchangeFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, Errors{jsonError(name, data, err)}
	}
	if f.GlobalSettings == nil || len(f.GlobalSettings.EmergencyAccessAccounts) == 0 {
		return nil, Errors{{
			File: name, Line: 1, Column: 1, Path: "GlobalSettings.EmergencyAccessAccounts",
			Problem: "the list is missing or empty", Fix: `it looks like {"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"User","UserPrincipalName":"..."}]}}`,
		}}
	}
	list := f.GlobalSettings.EmergencyAccessAccounts
	if errs := checkEntries(name, list); len(errs) > 0 {
		return nil, errs
	}
	return list, nil
}

func jsonError(name string, data []byte, err error) Error {
	e := Error{File: name, Line: 1, Column: 1, Problem: err.Error(), Fix: "the file must be JSON"}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Line, e.Column = place(data, int(max(s.Offset-1, 0)))
	}
	if u, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e.Line, e.Column = place(data, int(max(u.Offset-1, 0)))
		e.Path, e.Problem, e.Fix = u.Field, "this is a "+u.Value, "it must be of another type: "+u.Type.String()
	}
	return e
}

var (
	guidForm = regexp.MustCompile(patternGUID)
	upnForm  = regexp.MustCompile(patternUPN)
)

func checkEntries(name string, list []EmergencyAccessAccount) Errors {
	var errs Errors
	seen := map[string]int{}
	for i := range list {
		e := &list[i]
		fail := func(key, problem, fix string) {
			errs = append(errs, Error{File: name, Line: 1, Column: 1, Path: fmt.Sprintf("GlobalSettings.EmergencyAccessAccounts[%d]%s", i, key), Problem: problem, Fix: fix})
		}
		switch {
		case strings.EqualFold(e.Type, "user"):
			e.Type = "User"
		case strings.EqualFold(e.Type, "group"):
			e.Type = "Group"
		default:
			fail(".Type", quote(e.Type)+" is not a type", "it needs User or Group")
		}
		if e.ID != "" && !guidForm.MatchString(e.ID) {
			fail(".Id", quote(e.ID)+" is not an object id", "it needs a GUID")
		}
		if e.UserPrincipalName != "" && !upnForm.MatchString(e.UserPrincipalName) {
			fail(".UserPrincipalName", quote(e.UserPrincipalName)+" is not a user principal name", "it needs a name like x@contoso.onmicrosoft.com")
		}
		if e.ID == "" && (e.UserPrincipalName == "" || e.Type == "Group") {
			fail("", "the entry names nobody", "it needs Id, or for a user UserPrincipalName")
			continue
		}
		for _, key := range []string{strings.ToLower(e.ID), strings.ToLower(e.UserPrincipalName)} {
			if first, twice := seen[key]; key != "" && twice {
				fail("", fmt.Sprintf("the entry is that of [%d] again", first), "each account once")
			}
			seen[key] = i
		}
		e.ID = strings.ToLower(e.ID)
	}
	return errs
}
