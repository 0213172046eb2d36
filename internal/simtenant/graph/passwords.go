package graph

import (
	"strings"
	"unicode"

	"breakglass/internal/simtenant/state"
)

// Passwords as Entra takes them ("Microsoft Entra password policies", "Combined password
// policy and check for weak passwords"). The global list is Microsoft's secret; this one
// has the words that everybody expects on it.

const (
	minPassword   = 8
	maxPassword   = 256
	passwordScore = 5
)

var bannedWords = strings.Fields("password passwort passw0rd qwerty qwertz welcome letmein administrator admin summer winter spring autumn iloveyou dragon monkey football microsoft azure abcdef 123456 breakglass changeme secret")

// Graph's refusals of a password; the texts are from memory.
const (
	tooSimple = "The specified password does not comply with password complexity requirements. Please provide a different password."
	tooEasy   = "The password provided contains a word, phrase or pattern that makes it easily guessable. Please try again with a different password."
)

// validPassword answers 400 when Entra would not take the password for this user.
func (c *call) validPassword(u state.Object, password string, federated bool) bool {
	switch {
	case federated:
		if password == "" {
			return true
		}
		c.bad("The password of a user of a federated domain cannot be set.")
	case !complexEnough(password):
		c.bad(tooSimple)
	case c.guessable(u, password):
		c.bad(tooEasy)
	default:
		return true
	}
	return false
}

// complexEnough: 8 to 256 characters of ASCII and three of the four classes.
func complexEnough(password string) bool {
	if len(password) < minPassword || len(password) > maxPassword {
		return false
	}
	var lower, upper, digit, symbol int
	for _, r := range password {
		switch {
		case r > unicode.MaxASCII || r < ' ' || r == 0x7f:
			return false
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			symbol = 1
		}
	}
	return lower+upper+digit+symbol >= 3
}

// normalised undoes the usual replacements.
func normalised(s string) string {
	return strings.NewReplacer("0", "o", "1", "l", "$", "s", "@", "a").Replace(strings.ToLower(s))
}

// guessable: the name of the person or of the tenant in it, or nothing but banned words
// and too little beside: each banned word counts one point, each other character one.
func (c *call) guessable(u state.Object, password string) bool {
	p := normalised(password)
	names := []string{u.String("givenName"), u.String("surname")}
	for _, d := range c.tx.List("domains") {
		first, _, _ := strings.Cut(d.ID(), ".")
		names = append(names, first)
	}
	for _, n := range names {
		if n = normalised(n); len(n) >= 4 && strings.Contains(p, n) {
			return true
		}
	}
	points := 0
	for len(p) > 0 {
		n := bannedPrefix(p)
		points++
		p = p[max(n, 1):]
	}
	return points < passwordScore
}

// bannedPrefix is how many characters of s are a banned word or one that differs in one character.
func bannedPrefix(s string) int {
	for _, w := range bannedWords {
		w = normalised(w)
		if len(s) < len(w) {
			continue
		}
		wrong := 0
		for i := range len(w) {
			if s[i] != w[i] {
				wrong++
			}
		}
		if wrong <= 1 {
			return len(w)
		}
	}
	return 0
}

// setPassword stores a password profile. What the caller leaves out is true: the person
// must change the password at the next sign-in, the default that spoils a sealed one.
func (c *call) setPassword(u, profile state.Object) {
	if profile == nil {
		return
	}
	force, said := profile["forceChangePasswordNextSignIn"].(bool)
	if !said {
		force = profile.String("password") != "" || u.Object("passwordProfile").Bool("forceChangePasswordNextSignIn")
	}
	u["passwordProfile"] = map[string]any{
		"forceChangePasswordNextSignIn":        force,
		"forceChangePasswordNextSignInWithMfa": profile.Bool("forceChangePasswordNextSignInWithMfa"),
	}
	if p := profile.String("password"); p != "" {
		u[state.Password] = p
		now := state.Timestamp(c.now())
		u["lastPasswordChangeDateTime"], u["signInSessionsValidFromDateTime"] = now, now
	}
}
