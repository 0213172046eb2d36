package graph

import (
	"encoding/binary"
	"fmt"
	"regexp"

	"github.com/google/uuid"
)

// A limit is what Graph takes as a property's value besides its kind.
type limit struct {
	// need: null is refused too.
	need bool
	// longest is the most characters, 0 for any number.
	longest int
	// form, when set, is the text's shape; each element's in a list.
	form *regexp.Regexp
}

// nickname is the local part of a mail address: ASCII without what addresses give a meaning to
// (Graph page "user resource type").
var nickname = regexp.MustCompile(`^[!#-'*+\-/0-9=?A-Z^-~.]+$`)

var (
	userValues = map[string]limit{
		"displayName":      {need: true, longest: 256},
		"accountEnabled":   {need: true},
		"mailNickname":     {need: true, longest: 64, form: nickname},
		"usageLocation":    {form: regexp.MustCompile(`^[A-Z]{2}$`)},
		"passwordPolicies": {form: regexp.MustCompile(`^(None|(DisablePasswordExpiration|DisableStrongPassword)(, ?(DisablePasswordExpiration|DisableStrongPassword))?)$`)},
		"userType":         {form: regexp.MustCompile(`^(Member|Guest)$`)},
		"otherMails":       {longest: 250, form: regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)},
		"mail":             {form: regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)},
		"givenName":        {longest: 64},
		"surname":          {longest: 64},
		"jobTitle":         {longest: 128},
		"department":       {longest: 64},
	}
	groupValues = map[string]limit{
		"displayName":     {need: true, longest: 256},
		"mailNickname":    {need: true, longest: 64},
		"mailEnabled":     {need: true},
		"securityEnabled": {need: true},
		"description":     {longest: 1024},
		"visibility":      {form: regexp.MustCompile(`^(Public|Private|HiddenMembership)$`)},
	}
	appValues = map[string]limit{
		"displayName":    {need: true, longest: 256},
		"signInAudience": {form: regexp.MustCompile(`^(AzureADMyOrg|AzureADMultipleOrgs|AzureADandPersonalMicrosoftAccount|PersonalMicrosoftAccount)$`)},
	}
	unitValues = map[string]limit{
		"displayName": {need: true, longest: 256},
		"visibility":  {form: regexp.MustCompile(`^(Public|HiddenMembership)$`)},
	}
)

// validValues answers 400 for the first property of the body that holds what Graph does not take.
func (c *call) validValues(resource string, limits map[string]limit) bool {
	for _, name := range sortedNames(c.body) {
		l, ok := limits[name]
		if !ok || l.takes(c.body[name]) {
			continue
		}
		c.bad("Invalid value specified for property '" + name + "' of resource '" + resource + "'.")
		return false
	}
	return true
}

func (l limit) takes(v any) bool {
	switch v := v.(type) {
	case nil:
		return !l.need
	case string:
		return !(l.need && v == "") && (l.longest == 0 || len([]rune(v)) <= l.longest) && (l.form == nil || l.form.MatchString(v))
	case []any:
		for _, e := range v {
			if !l.takes(e) {
				return false
			}
		}
	}
	return true
}

// securityIdentifier is the SID that Entra derives from an object's id.
func securityIdentifier(id string) string {
	u, err := uuid.Parse(id)
	if err != nil {
		return ""
	}
	little := binary.LittleEndian
	second := uint32(binary.BigEndian.Uint16(u[4:])) | uint32(binary.BigEndian.Uint16(u[6:]))<<16
	return fmt.Sprintf("S-1-12-1-%d-%d-%d-%d", binary.BigEndian.Uint32(u[:]), second, little.Uint32(u[8:]), little.Uint32(u[12:]))
}
