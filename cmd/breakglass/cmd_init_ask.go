package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"breakglass/internal/config"
)

// maxTries is how often a wrong answer is asked for again.
const maxTries = 5

// ask asks one line; Enter takes the proposal. wrong says what is wrong with an answer.
func (d *deps) ask(question, proposal string, wrong func(string) string) (string, error) {
	for range maxTries {
		d.endProgress()
		line := question + ":"
		if proposal != "" {
			line = fmt.Sprintf("%s [%s]:", question, proposal)
		}
		fmt.Fprint(d.stderr, fit(line, d.errColumns), " ")
		answer, err := d.readAnswer()
		if err != nil {
			return "", err
		}
		answer = firstOf(answer, proposal)
		if wrong == nil {
			return answer, nil
		}
		problem := wrong(answer)
		if problem == "" {
			return answer, nil
		}
		d.say("  %s", problem)
	}
	return "", usageError{fmt.Errorf("no fitting answer to %q after %d tries", question, maxTries)}
}

// askYes asks a yes-or-no question; Enter takes the proposal.
func (d *deps) askYes(question string, proposal bool) (bool, error) {
	answer, err := d.ask(question, map[bool]string{true: "Y/n", false: "y/N"}[proposal], func(s string) string {
		switch strings.ToLower(s) {
		case "y", "yes", "n", "no", "y/n":
			return ""
		}
		return "answer yes or no"
	})
	switch strings.ToLower(answer) {
	case "y", "yes":
		return true, err
	case "n", "no":
		return false, err
	}
	return proposal, err
}

// askTenant asks for what neither flags nor the tenant told; with --yes it says what is missing.
func (o *initOptions) askTenant(t *config.Tenant, d *deps) error {
	if o.yes {
		return missingTenant(*t)
	}
	for _, q := range []struct {
		question, path, proposal string
		value                    *string
	}{
		{"Tenant (directory) id", "tenant.id", t.ID, &t.ID},
		{"Initial domain (…onmicrosoft.com)", "tenant.initial_domain", t.InitialDomain, &t.InitialDomain},
		{"Cloud: public, usgov-l4, usgov-l5, china, other", "tenant.cloud", firstOf(t.Cloud, "public"), &t.Cloud},
		{"Profile: standard, strict, classic, free", "tenant.profile", firstOf(t.Profile, "standard"), &t.Profile},
	} {
		answer, err := d.ask(q.question, q.proposal, func(s string) string {
			*q.value = s
			return wrongAt(config.Desired{Version: 1, Tenant: *t}, q.path)
		})
		if err != nil {
			return err
		}
		*q.value = answer
	}
	return nil
}

// missingTenant names the flags without which there is no plan.
func missingTenant(t config.Tenant) error {
	var missing []string
	if t.ID == "" {
		missing = append(missing, "--tenant-id")
	}
	if t.InitialDomain == "" {
		missing = append(missing, "--initial-domain")
	}
	if missing == nil {
		return nil
	}
	return withHint(usageError{errors.New("the tenant is not known: " + strings.Join(missing, " and ") + " missing")}, "give them, or --snapshot FILE, or sign in with --client-id")
}

// wrongAt is what the loader says of one value of a plan.
func wrongAt(want config.Desired, path string) string {
	text, err := config.Format(&want)
	if err != nil {
		return err.Error()
	}
	_, err = config.Parse("answer", text)
	errs, _ := errors.AsType[config.Errors](err)
	for _, e := range errs {
		if e.Path == path {
			return e.Problem + "; " + e.Fix
		}
	}
	return ""
}

// askNumbers asks for one or several entries of a list, by their numbers.
func (d *deps) askNumbers(question string, length, least, most int) ([]int, error) {
	var chosen []int
	_, err := d.ask(question, "", func(answer string) string {
		chosen = nil
		for _, word := range strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' }) {
			n, err := strconv.Atoi(word)
			if err != nil || n < 1 || n > length {
				return fmt.Sprintf("%s is no number from 1 to %d", word, length)
			}
			chosen = append(chosen, n-1)
		}
		if len(chosen) < least || len(chosen) > most {
			return fmt.Sprintf("%d to %d numbers, please", least, most)
		}
		return ""
	})
	return chosen, err
}
