package login

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// lockouts is where smart lockout keeps its counts, one object per user.
const lockouts = "_login/smartLockout"

// lockThreshold is how many wrong passwords lock an account: ten, in the US Government
// clouds three (page "Protect user accounts from attacks with Microsoft Entra smart lockout").
func lockThreshold(w *state.World) int {
	if strings.HasPrefix(w.Cloud, "usgov") {
		return 3
	}
	return 10
}

// checkPassword compares a password, under smart lockout: a locked account refuses the
// right password as well, for a minute at first and longer each time; wrong passwords
// that were tried just before do not count again; addresses from which the user signed
// in before are counted apart; a new password clears all.
func checkPassword(tx *state.Tx, u state.Object, text, ip string) error {
	l := tx.Get(lockouts, u.ID())
	if l == nil || l.String("password") != digest(u.String(state.Password)) {
		l = state.Object{"id": u.ID(), "password": digest(u.String(state.Password)), "familiar": l.Strings("familiar")}
	}
	side := "unfamiliar"
	if slices.Contains(l.Strings("familiar"), ip) {
		side = "familiar"
	}
	if until := l.Time(side + "Until"); tx.Now().Before(until) {
		return refuse(50053)
	}
	want := u.String(state.Password)
	if want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(text)) == 1 {
		delete(l, side+"Count")
		delete(l, side+"Locks")
		if !slices.Contains(l.Strings("familiar"), ip) {
			l["familiar"] = append(l.Strings("familiar"), ip)
		}
		tx.Put(lockouts, l)
		return nil
	}
	code := countWrong(l, side, text, tx)
	tx.Put(lockouts, l)
	return refuse(code)
}

// countWrong counts a wrong password and says what the sign-in ends with.
func countWrong(l state.Object, side, text string, tx *state.Tx) int {
	hashes := l.Strings("wrong")
	h := digest(text)
	if slices.Contains(hashes, h) {
		return 50126
	}
	hashes = append(hashes, h)
	l["wrong"] = hashes[max(0, len(hashes)-3):]
	n := number(l[side+"Count"]) + 1
	l[side+"Count"] = n
	if n < lockThreshold(tx.World()) {
		return 50126
	}
	locks := number(l[side+"Locks"])
	l[side+"Locks"] = locks + 1
	l[side+"Until"] = tx.Now().Add(time.Minute << min(locks, 10)).Format(time.RFC3339Nano)
	return 50053
}

func digest(text string) string {
	sum := sha256.Sum256([]byte("smart lockout\n" + text))
	return hex.EncodeToString(sum[:8])
}

// changePassword sets a new password at sign-in, by the user.
func (s *Server) changePassword(tx *state.Tx, u state.Object, text, ip string) {
	u[state.Password] = text
	u["lastPasswordChangeDateTime"] = state.Timestamp(tx.Now())
	u["signInSessionsValidFromDateTime"] = state.Timestamp(tx.Now())
	if p := u.Object("passwordProfile"); p != nil {
		p["forceChangePasswordNextSignIn"], p["forceChangePasswordNextSignInWithMfa"] = false, false
	}
	tx.Put("users", u)
	s.audit(tx, u, "UserManagement", "Core Directory", "Change user password", ip)
}

// remediate ends a user's risk: a new password set with a second factor is the remedy that
// risk policies ask for.
func remediate(tx *state.Tx, u state.Object) {
	r := tx.Get("identityProtection/riskyUsers", u.ID())
	if r == nil || riskOf(tx, u.ID()) == "none" {
		return
	}
	r["riskState"], r["riskLevel"], r["riskDetail"] = "remediated", "none", "userPerformedSecuredPasswordChange"
	r["riskLastUpdatedDateTime"] = state.Timestamp(tx.Now())
	tx.Put("identityProtection/riskyUsers", r)
}

// weakPassword is why Entra refuses a new password, "" when it takes it (page "Password
// policies": 8 to 256 characters of the permitted set, three of four kinds).
func weakPassword(text string) string {
	var lower, upper, digit, other bool
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z':
			lower = true
		case r >= 'A' && r <= 'Z':
			upper = true
		case r >= '0' && r <= '9':
			digit = true
		case r >= ' ' && r <= '~':
			other = true
		default:
			return "Your password contains characters that are not permitted."
		}
	}
	kinds := 0
	for _, k := range []bool{lower, upper, digit, other} {
		if k {
			kinds++
		}
	}
	switch {
	case len(text) < 8 || len(text) > 256:
		return "Your password must be between 8 and 256 characters."
	case kinds < 3:
		return "Passwords must have characters from three of the following: lower case, upper case, digits, symbols."
	}
	return ""
}

// audit writes what a user did to the own account on the sign-in pages.
func (s *Server) audit(tx *state.Tx, u state.Object, category, service, activity, ip string) {
	upn := u.String("userPrincipalName")
	s.log.Audit(tx, state.Object{
		"category": category, "loggedByService": service, "activityDisplayName": activity, "operationType": "Update",
		"initiatedBy": map[string]any{"app": nil, "user": map[string]any{"id": u.ID(), "displayName": u["displayName"], "userPrincipalName": upn, "ipAddress": ip}},
		"targetResources": []any{map[string]any{
			"id": u.ID(), "displayName": u["displayName"], "type": "User", "userPrincipalName": upn, "groupType": nil, "modifiedProperties": []any{},
		}},
	})
}
