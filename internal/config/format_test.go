package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAWrittenPlanIsReadBackAsTheSame(t *testing.T) {
	least, err := Parse("plan", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*Desired{"good": good(t), "least": least} {
		out, err := Format(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(name, out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if diff := cmp.Diff(d, again); diff != "" {
			t.Errorf("%s: written and read again it differs:\n%s", name, diff)
		}
	}
}

// What a file written by init shows commented out must be right once the marks are removed.
func TestTheExamplesOfUnusedSectionsAreRight(t *testing.T) {
	for _, f := range fileShape.fields {
		if f.example == "" {
			if !f.required {
				t.Errorf("%s has no example", f.key)
			}
			continue
		}
		if _, err := Parse("example", []byte(minimal+f.example+"\n")); err != nil {
			t.Errorf("%s: %v", f.key, err)
		}
	}
	if _, err := Parse("example", []byte(minimal+accountExample+"\n")); err != nil {
		t.Errorf("an account's quorum and keys: %v", err)
	}
	least, err := Parse("plan", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	out, err := Format(least)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n#     keys:\n", "\n# custodians: [p-01, p-02, p-03]\n", "\n# locations:\n#   - {id: l-1,", "\nversion: 1\n", "cloud: public\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for i, line := range strings.Split(string(out), "\n") {
		if len(line) > 120 {
			t.Errorf("line %d is %d long", i+1, len(line))
		}
	}
}

func TestTheSharedListGoesOutAndComesBack(t *testing.T) {
	d := good(t)
	d.Accounts[1].ObjectID = ""
	d.ExclusionGroup = &ExclusionGroup{ObjectID: "22222222-aaaa-4bbb-8ccc-000000000001"}
	out := ExportAccounts(d)
	got, err := ImportAccounts("maester-config.json", append([]byte("\xef\xbb\xbf"), out...))
	if err != nil {
		t.Fatal(err)
	}
	want := []EmergencyAccessAccount{
		{Type: "User", ID: "11111111-aaaa-4bbb-8ccc-000000000001"},
		{Type: "User", UserPrincipalName: "m3-harbour-19@contoso.onmicrosoft.com"},
		{Type: "Group", ID: "22222222-aaaa-4bbb-8ccc-000000000001"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(out), `"Type": "User"`) || !strings.Contains(string(out), `"Id": "1111`) {
		t.Errorf("the names are not those of Maester:\n%s", out)
	}
}

func TestAForeignConfigurationIsTakenWithItsOtherSettings(t *testing.T) {
	got, err := ImportAccounts("c", []byte(`{"GlobalSettings":{"Other":1,"emergencyAccessAccounts":[{"type":"user","userPrincipalName":"a@b.c","Note":"x"}]},"TestSettings":[]}`))
	if err != nil || len(got) != 1 || got[0].Type != "User" {
		t.Errorf("got %v %v", got, err)
	}
}

func TestASharedListThatCannotBeUnderstoodIsRefused(t *testing.T) {
	for in, want := range map[string]string{
		`{`:                "c:1:1: unexpected end of JSON input",
		"{\n  \"a\": tru}": "c:2:11:",
		`[]`:               "the file must be JSON|of another type",
		`{}`:               "the list is missing or empty",
		`{"GlobalSettings":{"EmergencyAccessAccounts":[]}}`:                                                                                        "the list is missing or empty",
		`{"GlobalSettings":{"EmergencyAccessAccounts":"x"}}`:                                                                                       "this is a string",
		`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"Usr","Id":"1"}]}}`:                                                                 `[0].Type: "Usr" is not a type`,
		`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"User","Id":"1"}]}}`:                                                                `"1" is not an object id`,
		`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"User"}]}}`:                                                                         "names nobody",
		`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"Group","UserPrincipalName":"a@b.c"}]}}`:                                            "names nobody",
		`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"User","UserPrincipalName":"a b"}]}}`:                                               "is not a user principal name",
		`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"User","UserPrincipalName":"a@b.c"},{"Type":"User","UserPrincipalName":"A@b.c"}]}}`: "is that of [0] again",
		"\xff\xfe{": "UTF-16",
	} {
		_, err := ImportAccounts("c", []byte(in))
		if err == nil {
			t.Errorf("%s was accepted", in)
			continue
		}
		found := false
		for _, w := range strings.Split(want, "|") {
			found = found || strings.Contains(err.Error(), w)
		}
		if !found {
			t.Errorf("%s: %q is not in %v", in, want, err)
		}
	}
}

func FuzzImportAccounts(f *testing.F) {
	f.Add([]byte(`{"GlobalSettings":{"EmergencyAccessAccounts":[{"Type":"User","UserPrincipalName":"a@b.c"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ImportAccounts("c", data)
		if err == nil && len(list) == 0 {
			t.Fatal("nothing was imported and nothing said")
		}
	})
}

func TestDaysAreWrittenAsTheyAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Days(rapid.IntRange(1, 9999).Draw(t, "days"))
		text, err := d.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again Days
		if err := again.UnmarshalText(text); err != nil || again != d {
			t.Fatalf("%s came back as %v, %v", text, again, err)
		}
		if d.Duration().Hours() != float64(24*d) {
			t.Fatalf("%s is %v", text, d.Duration())
		}
	})
	var d Days
	for _, bad := range []string{"", "90", "0d", "-1d", "1.5d", "90 d", "99999d"} {
		if d.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was read as a span", bad)
		}
	}
}
