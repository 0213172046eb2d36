package config

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says how much a problem weighs.
type Severity string

// The severities. An error means that the plan cannot be carried out as written: deeds
// refuse it. The others are findings; work goes on.
const (
	SeverityError  Severity = "error"
	SeverityHigh   Severity = "high"
	SeverityMedium Severity = "medium"
	SeverityLow    Severity = "low"
)

// Problem is one lint rule that the plan breaks, or that could not be judged.
type Problem struct {
	// Code is the rule's, for example quorum-one-person; docs/lint.md explains each.
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Path is where in the file, for example accounts[0].quorum; Locate finds its line.
	Path string `json:"path"`
	// Message names the ids concerned; Advice is what would be right.
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
	// CouldNotTell says that something needed to judge the rule was not at hand.
	CouldNotTell bool `json:"couldNotTell,omitempty"`
	// Accepted is the accepted risk that covers the problem; it counts as unsigned until an
	// approval stands in the ledger.
	Accepted *AcceptedRisk `json:"accepted,omitempty"`
}

// Known is what lint may know besides the plan.
type Known struct {
	// People is the opened people.age, nil when it was not opened.
	People *People
	// Domains are the tenant's verified domains, nil when they were not read.
	Domains []string
}

// Lint judges a plan on paper, without a tenant and without people.age. What it cannot
// judge without them it says (CouldNotTell).
func Lint(d *Desired) []Problem { return LintKnown(d, Known{}) }

// LintKnown is Lint with what else is known. Problems come in the order of Rules, then of
// the file.
func LintKnown(d *Desired, k Known) []Problem {
	l := &linter{d: d, known: k}
	l.accounts()
	l.quorums()
	l.places()
	l.people()
	l.duties()
	l.channels()
	l.accept()
	l.sort()
	return l.problems
}

// Refusals are the problems that deeds must refuse: the plan cannot be carried out as written.
func Refusals(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Severity != SeverityError })
}

type linter struct {
	d        *Desired
	known    Known
	problems []Problem
}

// report adds a problem; its severity is the rule's.
func (l *linter) report(code, path, advice, format string, args ...any) *Problem {
	rule, ok := ruleOf(code)
	if !ok {
		panic("lint reports a rule that is not in the table: " + code) // a test runs every rule
	}
	l.problems = append(l.problems, Problem{
		Code: code, Severity: rule.Severity, Path: path, Advice: advice, Message: fmt.Sprintf(format, args...),
	})
	return &l.problems[len(l.problems)-1]
}

// unsure adds a rule that could not be judged.
func (l *linter) unsure(code, path, advice, format string, args ...any) {
	l.report(code, path, advice, format, args...).CouldNotTell = true
}

func (l *linter) sort() {
	order := map[string]int{}
	for i, r := range Rules() {
		order[r.Code] = i
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Compare(order[a.Code], order[b.Code])
	})
}

// accept marks the problems that an accepted risk covers, and judges the risks themselves.
func (l *linter) accept() {
	for i, risk := range l.d.AcceptedRisks {
		path := fmt.Sprintf("accepted_risks[%d].rule", i)
		rule, ok := ruleOf(risk.Rule)
		switch {
		case !ok:
			l.report("risk-rule-unknown", path, "docs/lint.md has the rules"+nearest(risk.Rule, ruleCodes()), "there is no rule %s", risk.Rule)
		case rule.Severity == SeverityError:
			l.report("risk-not-acceptable", path, "change the plan instead", "%s cannot be accepted as a risk: the plan would not work", risk.Rule)
		case !l.cover(risk):
			l.report("risk-idle", path, "remove the entry", "the plan keeps %s: there is nothing to accept", risk.Rule)
		}
	}
}

func (l *linter) cover(risk AcceptedRisk) bool {
	found := false
	for i := range l.problems {
		if p := &l.problems[i]; p.Code == risk.Rule {
			found = true
			if p.Accepted == nil {
				p.Accepted = &risk
			}
		}
	}
	return found
}

func ruleCodes() []string {
	var codes []string
	for _, r := range Rules() {
		codes = append(codes, r.Code)
	}
	return codes
}
