package report

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/phrase"
	"breakglass/test/contract"
)

func goodPlan(t *testing.T) *config.Desired {
	t.Helper()
	d, err := config.Load("../config/testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func team() *config.People {
	return &config.People{
		Version:   1,
		People:    []config.Person{{ID: "p-21", Name: "Anna Watch", Phones: []string{"+49 30 1", "+49 170 2"}}, {ID: "p-01", Name: "Ben Keeper", Phones: []string{"+49 30 3"}}},
		Locations: []config.Place{{ID: "l-1", Address: "Example Street 12, safe 3", Hours: "always", Call: "gate"}},
		Support:   config.Support{Contract: "SR-123", Registrar: "Example Registrar", DutyPhone: "+49 30 9"},
	}
}

func write(t *testing.T, r Runbook) (markdown, page string) {
	t.Helper()
	r.Now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	var m, h strings.Builder
	if err := WriteRunbookMarkdown(&m, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteRunbookHTML(&h, r); err != nil {
		t.Fatal(err)
	}
	return m.String(), h.String()
}

// Every promise that the product makes of the runbook, in every form and every language.
func TestTheRunbookHasWhatAStrangerNeeds(t *testing.T) {
	for _, l := range phrase.Languages() {
		markdown, page := write(t, Runbook{Desired: goodPlan(t), People: team(), Language: l})
		for _, want := range []string{
			"72f988bf-86f1-41af-91ab-2d7cd011db47", "contoso.onmicrosoft.com", "k7-orchard-52@contoso.onmicrosoft.com",
			"11111111-aaaa-4bbb-8ccc-000000000002", "Anna Watch", "+49 30 1 / +49 170 2", "Example Street 12, safe 3", "SR-123", "Example Registrar",
			"ee882879-721c-4913-9775-3dfcce97072a", "1002", "2026-11-22", "AADSTS53003", "SLIP-0039",
		} {
			if !strings.Contains(markdown, want) {
				t.Errorf("%s: the Markdown does not have %q", l, want)
			}
			if !strings.Contains(strings.ReplaceAll(page, "<wbr>", ""), want) {
				t.Errorf("%s: the page does not have %q", l, want)
			}
		}
		for n := 1; n <= 10; n++ {
			if !regexp.MustCompile(`(?m)^## ` + string(rune('0'+n%10)) + `|^## 10`).MatchString(markdown) {
				t.Errorf("%s: there is no section %d", l, n)
			}
		}
		for n := 1; n <= 11; n++ {
			if heading := regexp.MustCompile(`(?m)^### 5\.` + strings.TrimSpace(itoa(n)) + ` `); !heading.MatchString(markdown) {
				t.Errorf("%s: there is no outage 5.%d", l, n)
			}
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return "1" + string(rune('0'+n-10))
}

// The plan's own runbook may lie in git: nothing of people.age is in it, and there is room to write.
func TestWithoutPeopleTheRunbookHasIdsAndBlanks(t *testing.T) {
	markdown, _ := write(t, Runbook{Desired: goodPlan(t)})
	for _, want := range []string{"p-21", "p-01", "without names: fill them in by hand", "| Support contract | " + blank + " |"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("%q is not there", want)
		}
	}
}

func TestAPlanWithoutPeopleGivesARunbookToFillIn(t *testing.T) {
	d, err := config.Parse("plan", []byte(`version: 1
tenant: {id: 72f988bf-86f1-41af-91ab-2d7cd011db47, initial_domain: contoso.onmicrosoft.us, cloud: usgov-l4}
accounts:
  - {id: a, user_principal_name: x@contoso.onmicrosoft.us, display_name: A}
`))
	if err != nil {
		t.Fatal(err)
	}
	markdown, _ := write(t, Runbook{Desired: d})
	for _, want := range []string{"how it is split is not in the plan: " + blank, "Security keys: " + blank, "https://graph.microsoft.us/v1.0", "-Environment USGov", "Custodian, location " + blank} {
		if !strings.Contains(markdown, want) {
			t.Errorf("%q is not there", want)
		}
	}
	if strings.Contains(markdown, "graph.microsoft.com") || strings.Contains(markdown, "not in the list of applications") {
		t.Error("a US Government tenant is told about the public cloud")
	}
}

func TestEachPersonIsCalledOnceAndInOrder(t *testing.T) {
	r := Runbook{Desired: goodPlan(t)}
	r.Desired.Duties["review"] = config.Duty{Owner: "p-01"}
	var got []string
	for _, c := range r.calls() {
		got = append(got, c.Role+" "+c.Who.Name)
	}
	want := []string{
		"alerts p-21", "alerts-deputy p-22", "approver p-11", "approver p-12", "approver p-13",
		"custodian p-01", "custodian p-02", "custodian p-03", "implement p-31",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^ *```\n(.*?)^ *```$")
	httpCall = regexp.MustCompile(`^(GET|POST|PATCH|PUT|DELETE) ((?:https:/)?/\S.*)$`)
)

// calls finds the requests in the code blocks: a line with method and address, then the
// lines of its body.
func callsIn(text string) []contract.Exchange {
	var all []contract.Exchange
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		before := len(all)
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			if m := httpCall.FindStringSubmatch(line); m != nil {
				address := strings.ReplaceAll(m[2], " ", "%20")
				if strings.HasPrefix(address, "/") {
					address = "https://graph.microsoft.com/v1.0" + address // as the paper says
				}
				all = append(all, contract.Exchange{Method: m[1], URL: address, RequestHeader: http.Header{}})
			} else if n := len(all); n > before && line != "" {
				all[n-1].RequestBody = append(all[n-1].RequestBody, line...)
			}
		}
	}
	return all
}

// A person types these at 3 a.m.: each must be a request that Microsoft's descriptions know.
func TestEveryCallOfTheRunbookIsOneThatMicrosoftKnows(t *testing.T) {
	c := contract.Open(t)
	markdown, _ := write(t, Runbook{Desired: goodPlan(t)})
	calls := callsIn(markdown)
	if len(calls) < 18 {
		t.Fatalf("found %d calls in the runbook, there are more", len(calls))
	}
	for _, x := range calls {
		x.URL = strings.NewReplacer("USER-ID", someID, "OBJECT-ID", someID, "POLICY-ID", someID, "/DOMAIN", "/contoso.com").Replace(x.URL)
		x.RequestBody = []byte(strings.NewReplacer("USER-ID", someID, "OBJECT-ID", someID).Replace(string(x.RequestBody)))
		if len(x.RequestBody) > 0 {
			x.RequestHeader.Set("Content-Type", "application/json")
		}
		for _, p := range c.Check(x) {
			if p.Side == "request" && !strings.Contains(x.URL, notDescribed) {
				t.Errorf("%s %s\n  %s", x.Method, x.URL, p)
			}
		}
	}
}

// notDescribed is outside the descriptions; it is in Microsoft's "Elevate access to manage
// all Azure subscriptions and management groups".
const notDescribed = "/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01"

const someID = "33333333-3333-4333-8333-333333333333"

// A line of code that the paper breaks is a line that a tired person types wrong.
func TestCodeFitsOnPaper(t *testing.T) {
	markdown, _ := write(t, Runbook{Desired: goodPlan(t)})
	long := 0
	for _, block := range fence.FindAllStringSubmatch(markdown, -1) {
		for line := range strings.Lines(block[1]) {
			if len(strings.TrimRight(line, "\n")) > 92 {
				long++
				t.Logf("%s", line)
			}
		}
	}
	if long > 2 { // one filter and one address of the Resource Manager cannot be shorter
		t.Errorf("%d lines of code are too long for the paper", long)
	}
}

// Whatever stands in the plan or in people.age is text on the page, never marks or elements.
func TestValuesCannotBecomeMarks(t *testing.T) {
	d := goodPlan(t)
	d.Accounts[0].DisplayName = "x"
	d.Accounts[0].ID = "**a** <script>alert(1)</script>"
	p := team()
	p.People[0].Name = "A | B `c` <img src=x> *d* [e](f) & g\n# h"
	p.Support.Contract = "1 <b>2</b> " + blank
	markdown, page := write(t, Runbook{Desired: d, People: p})
	for _, bad := range []string{"<script", "<img", "<b>", "\n# h", "<em>d", "<strong>a<"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !strings.Contains(page, "A | B `c` &lt;img src=x&gt; *d* [e](f) &amp; g # h") {
		t.Error("the name is not on the page as it was given")
	}
	if !strings.Contains(markdown, `A \| B`) {
		t.Error("a name splits a table's cell")
	}
}

func TestThePageNeedsNothingFromOutsideAndIsWellFormed(t *testing.T) {
	_, page := write(t, Runbook{Desired: goodPlan(t), People: team()})
	for _, bad := range []string{"src=", "href=", "url(", "@import", "<script"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{`<html lang="en">`, "<title>Emergency runbook: contoso.onmicrosoft.com</title>", "@page", "prefers-color-scheme: dark", "default-src 'none'"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	wellFormed(t, page)
}

var element = regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*>`)

// wellFormed checks that elements close in the order in which they were opened.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	_, body, _ := strings.Cut(page, "<body>")
	var open []string
	for _, m := range element.FindAllStringSubmatch("<body>"+body, -1) {
		switch {
		case m[2] == "wbr" || m[2] == "html":
		case m[1] == "":
			open = append(open, m[2])
		case len(open) == 0 || open[len(open)-1] != m[2]:
			t.Fatalf("</%s> closes %v", m[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
}

func TestALanguageThatIsNotThereIsSaid(t *testing.T) {
	err := WriteRunbookMarkdown(&strings.Builder{}, Runbook{Desired: goodPlan(t), Language: "tlh"})
	if err == nil || !strings.Contains(err.Error(), `there is no runbook in "tlh"`) {
		t.Errorf("got %v", err)
	}
}
