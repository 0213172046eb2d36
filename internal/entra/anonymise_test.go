package entra

import (
	"regexp"
	"strings"
	"testing"
)

func TestNoNameAndNoIDSurvivesAnonymising(t *testing.T) {
	s := sample(t)
	text := asJSON(t, s.Anonymise())
	for _, secret := range []string{
		"contoso", "jane", "doe\"", " doe ", ".doe", "widgets", "hr sync", "170 1234567", "203.0.113", "2001:db9", "Zm9vYmFy", "lAPpYvVpN0KRkAEhdxReEJC2sEqbR",
		"qx7-b", accountA, groupX, unitR, s.Tenant.ID, s.Reader.ObjectID, s.Reader.AppID, "hours", "gone@", "HQ",
	} {
		form := regexp.QuoteMeta(secret)
		if len(secret) < 4 { // by chance it may stand inside an invented id
			form = `(^|[^\w-])` + form + `($|[^\w-])`
		}
		if m := regexp.MustCompile(`(?i)` + form).FindStringIndex(text); m != nil {
			t.Errorf("%q survived: …%s…", secret, text[max(0, m[0]-60):min(len(text), m[1]+60)])
		}
	}
	for _, public := range []string{
		RoleGlobalAdministrator, planP1, "14d82eec-204b-4c2f-b7e8-296a70dab67e", "2fc0579f-8113-47ea-b116-bb5a8db9202a", "28c10230-6103-485e-b985-444c60001490",
		"YubiKey 5", ".onmicrosoft.com", "breakglass", "Microsoft Graph Command Line Tools", "AAD_PREMIUM", "all_users", "Approval_EndUser_Assignment",
	} {
		if !strings.Contains(text, public) {
			t.Errorf("%q is the same everywhere and was replaced", public)
		}
	}
}

func TestAnonymisingIsConsistentAndForgetsItsKey(t *testing.T) {
	s := sample(t)
	a := s.Anonymise()
	if !a.Anonymised || s.Anonymised {
		t.Error("the copy says that it is anonymised, the original does not")
	}
	u := a.Users[0]
	if a.RoleAssignments[0].PrincipalID != u.ID || a.Groups[0].Members.Or(nil)[0].ID != u.ID || a.PolicyChanges[0].Actor != u.ID ||
		u.MemberOf.Or(nil)[0].ID != a.Groups[0].ID || a.AdministrativeUnits[0].Members.Or(nil)[0].ID != a.Groups[0].ID {
		t.Error("one id became several")
	}
	if !a.Complete(PartMethods.Of(u.ID)) || !a.Complete(PartGroupMembers.Of(a.Groups[0].ID)) {
		t.Error("the parts of an object lost their object")
	}
	_, host, _ := strings.Cut(u.UserPrincipalName.Or(""), "@")
	if host != a.Domains[0].ID || u.OtherMails.Or(nil)[0][strings.Index(u.OtherMails.Or(nil)[0], "@")+1:] != a.Domains[1].ID {
		t.Errorf("the account is on %s, the domains are %v", host, a.Domains)
	}
	if b := s.Anonymise(); b.Users[0].ID == u.ID || b.Tenant.DisplayName == a.Tenant.DisplayName {
		t.Error("two copies can be joined: the key is not new each time")
	}
	if again := a.Anonymise(); again.Users[0].ID == u.ID {
		t.Error("an anonymised reading can be anonymised again")
	}
	if got, err := Decode([]byte(asJSON(t, a))); err != nil || !got.Complete(PartDomains) {
		t.Errorf("the copy is no good file: %v", err)
	}
}

func TestNamesKeepTheirForm(t *testing.T) {
	m := newMask()
	jane, dotted := m.name("Jane Doe"), m.name("jane.doe")
	if strings.ToLower(strings.ReplaceAll(jane, " ", ".")) != dotted {
		t.Errorf("%q and %q are no longer the same person", jane, dotted)
	}
	for in, form := range map[string]string{
		"HR":            `^[A-Z]+$`,
		"Contoso":       `^[A-Z][a-z]+$`,
		"+49 170 12":    `^\+\d\d \d\d\d \d\d$`,
		"break-glass-1": `^break-glass-\d$`,
		"mybreakglass":  `^breakglass$`,
		"größe":         `^[a-z]+$`,
	} {
		if got := m.name(in); !regexp.MustCompile(form).MatchString(got) {
			t.Errorf("%q became %q, want the form %s", in, got, form)
		}
	}
	if got := m.rule(`device.displayName -startsWith "PAW-7" -and device.trustType -eq "AzureAD" -and device.isCompliant -eq True`); strings.Contains(got, "PAW") ||
		!strings.Contains(got, `"AzureAD"`) || !strings.Contains(got, "-eq True") {
		t.Errorf("a device rule became %s", got)
	}
	if got := m.network("10.1.2.0/24"); !strings.HasPrefix(got, "198.1") || !strings.HasSuffix(got, "/24") {
		t.Errorf("a range became %s", got)
	}
}
