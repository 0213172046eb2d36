package config

// Rule is one lint rule, as data: what it asks and why. docs/lint.md is printed from these.
type Rule struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Title says what holds when the rule is kept; Why, what goes wrong when it is not.
	Title string `json:"title"`
	Why   string `json:"why"`
}

// Rules are all lint rules, in the order in which problems are listed.
func Rules() []Rule {
	var all []Rule
	for _, part := range [][]Rule{slip39Rules, quorumRules, accountRules, placeRules, peopleRules, channelRules, riskRules} {
		all = append(all, part...)
	}
	return all
}

func ruleOf(code string) (Rule, bool) {
	for _, r := range Rules() {
		if r.Code == code {
			return r, true
		}
	}
	return Rule{}, false
}

var slip39Rules = []Rule{
	{"slip39-limits", SeverityError, "At most 16 locations in one quorum and 16 sheets in one location", "SLIP-0039 numbers groups and members with four bits each."},
	{"slip39-threshold", SeverityError, "No more is needed than there is", "A quorum that asks for more locations or sheets than the plan has can never be reached."},
	{"slip39-one-of-many", SeverityError, "need: 1 only where one person keeps the one sheet", "SLIP-0039 forbids one-of-many: all those sheets would be the same. Two people may guard one sheet instead."},
	{"slip39-weight", SeverityError, "Each person keeps one sheet of a location, and each location stands in the quorum once", "SLIP-0039 has no weights. A second sheet for the same person, or a second group for the same place, would count twice where people think it counts once."},
	{"slip39-people", SeverityError, "people asks for no more than locations and sheets bring about", "SLIP-0039 counts sheets within a location and locations, never people over all locations. \"Any three people from at least two locations\" has no form."},
	{"slip39-must-include", SeverityError, "must_include asks only for people without whom the sheets do not open anyway", "SLIP-0039 cannot make one member of an optional group indispensable."},
	{"quorum-one-sheet", SeverityError, "No sheet opens alone", "A single sheet of paper would be the password."},
}

var quorumRules = []Rule{
	{"quorum-one-person", SeverityHigh, "No person reaches a quorum alone", "Counted over every safe the person can open and every sheet in the person's name, for passwords and for keys with their PINs. One person could become Global Administrator unseen."},
	{"quorum-one-location", SeverityHigh, "No location holds a quorum", "Whoever gets into that one room has the account."},
	{"pin-with-key", SeverityHigh, "A key's PIN cannot be put together where the key lies", "A key with its PIN in the same place is an open door."},
	{"quorum-person-lost", SeverityHigh, "The quorum is still reached with any one person gone", "People leave, fall ill, and are on a flight on the night it matters."},
	{"quorum-location-lost", SeverityHigh, "The quorum is still reached with any one location lost", "Buildings burn, and safes refuse to open on the day."},
	{"keys-person-lost", SeverityHigh, "With any one person gone, a key and its PIN are still within reach", "The portals and the Azure control plane demand MFA of everybody: without a key there is only Graph."},
	{"keys-location-lost", SeverityHigh, "With any one location lost, a key and its PIN are still within reach", "The portals and the Azure control plane demand MFA of everybody: without a key there is only Graph."},
}

var accountRules = []Rule{
	{"accounts-few", SeverityHigh, "There are two emergency accounts", "One account has no understudy while it is rotated, blocked or lost."},
	{"accounts-many", SeverityLow, "There are not more than two emergency accounts", "The Zero Trust assessment (test 21835) passes for exactly two, and each more is one more to guard."},
	{"account-twice", SeverityError, "Each account is in the plan once", "One account entered twice looks like two."},
	{"upn-domain", SeverityHigh, "Accounts are on the initial domain", "Any other domain may be federated one day, and then depends on the server that is down."},
	{"upn-telling", SeverityMedium, "Names do not tell what the account is", "Attackers look for such names, and can keep the password sign-in of a name they know locked."},
	{"policy-posture", SeverityError, "policy stands with posture passkey-required, and only there", "Without the one policy's id every policy looks like a blocker; with it on another posture the plan contradicts itself."},
	{"none-excluded", SeverityHigh, "At least one account is excluded from every policy", "With every account under a policy, one mistake in that policy locks out all of them."},
	{"password-only", SeverityHigh, "Every account has a passkey", "The portals interrupt a password-only sign-in to register MFA: the holder of the password is stopped, or a thief enrols a method of his own."},
	{"profile-postures", SeverityLow, "The accounts' postures are those of the profile", "The profile is what people believe about the tenant."},
	{"quorum-missing", SeverityHigh, "A sealed password has a quorum", "Until the custodians are named the account cannot be sealed."},
	{"quorum-idle", SeverityLow, "A password that nobody knows has no quorum", "There is nothing to split."},
	{"keys-missing", SeverityHigh, "An account with passkeys has its keys in the plan", "Who keeps them, and where, is otherwise known to one person at best."},
	{"keys-few", SeverityMedium, "An account has two keys", "One key is lost with one safe, or destroyed by eight wrong PINs."},
	{"keys-together", SeverityMedium, "An account's keys lie in different locations", "One burglar or one fire takes both."},
	{"keys-one-model", SeverityLow, "The accounts' keys are of different models", "One security advisory, or one AAGUID removed from a policy, takes all of them at once."},
	{"key-twice", SeverityError, "Each security key is in the plan once", "One key counted twice looks like a spare."},
	{"pin-missing", SeverityMedium, "Every key's PIN is split", "A PIN that one person remembers makes the key that person's own."},
}

var placeRules = []Rule{
	{"locations-missing", SeverityHigh, "Locations are in the plan", "Without them nothing can be judged of where sheets and keys lie."},
	{"location-unknown", SeverityError, "Every location that is used is in the list", "A location without a description has nobody who opens it and nothing that guards it."},
	{"location-code-twice", SeverityError, "Every location has a code of its own", "Sheets tell their places apart by it."},
	{"location-access-missing", SeverityMedium, "Every location says who can open it", "Whether one person reaches a quorum cannot be told without it."},
	{"location-idle", SeverityLow, "Every location is used", "An entry that nothing uses misleads."},
}

var peopleRules = []Rule{
	{"custodians-missing", SeverityHigh, "Custodians are in the plan", "Nobody keeps the sheets."},
	{"custodian-unknown", SeverityError, "Everyone who keeps a sheet is in the list of custodians", "A mistyped id would look like another person, and the quorum safer than it is."},
	{"custodian-locked-out", SeverityMedium, "A custodian can open the location of the own sheet", "Otherwise somebody else fetches it, and that person belongs into the calculation."},
	{"custodian-idle", SeverityLow, "Every custodian keeps something", "An entry that nothing uses misleads."},
	{"approvers-few", SeverityHigh, "There are three approvers", "Two must sign besides the one who asks; with two in all, one holiday stops everything."},
	{"duties-overlap", SeverityMedium, "Implementer, approver, reviewer and alert receiver are different people", "Who sets it up must not be the one who approves it, judges its use, or is the only one to be alerted."},
	{"duty-missing", SeverityMedium, "Every duty has an owner", "What nobody owns is not done."},
	{"duty-deputy", SeverityLow, "Every duty has a deputy, another person than the owner", "Owners are away."},
	{"cadence-long", SeverityMedium, "Rotation, drill and inventory are due every 90 days at the latest, reviews after 30", "Microsoft's guidance is 90 days; what has not been tried for longer does not work."},
	{"people-unread", SeverityLow, "people.age was read", "Whether two people share one telephone, and whether alerts depend on the tenant's own mail, cannot be told without it."},
	{"person-unresolved", SeverityMedium, "Everyone in the plan is in people.age", "On the night nobody knows whom p-07 is."},
	{"location-unresolved", SeverityMedium, "Every location in the plan is in people.age", "On the night nobody knows where it is."},
	{"phone-twice", SeverityMedium, "No telephone number belongs to two people", "Two names with one number are one person, or one battery."},
	{"person-twice", SeverityHigh, "No person has two ids", "The same person under two ids makes every quorum look safer than it is."},
}

var channelRules = []Rule{
	{"channels-few", SeverityHigh, "Two channels reach people without this tenant", "An alert that travels through what has failed does not arrive."},
	{"channel-depends-on-tenant", SeverityMedium, "A channel does not need the tenant that is watched", "Mail in its domains, its Teams, and Azure subscriptions that trust it fall with it, or belong to the attacker."},
	{"channel-nobody", SeverityMedium, "A channel to people says whom it reaches", "A channel that nobody reads is silence."},
	{"alerts-one-person", SeverityMedium, "Alerts reach two people", "One person sleeps, or is the attacker."},
	{"channels-one-kind", SeverityLow, "The channels are of different kinds", "One provider's outage takes all of them."},
	{"dead-man-missing", SeverityHigh, "A dead-man monitor outside the tenant watches the watcher", "When we fall silent, nothing else would say so."},
	{"channel-secret", SeverityHigh, "No channel has a secret among its settings", "The plan lies in git: whoever reads it could send or read alerts."},
}

var riskRules = []Rule{
	{"risk-rule-unknown", SeverityError, "An accepted risk names a rule that exists", "A mistyped rule accepts nothing."},
	{"risk-not-acceptable", SeverityError, "An accepted risk names a rule that can be given up", "Rules of severity error say that the plan cannot be carried out: there is nothing to accept."},
	{"risk-idle", SeverityLow, "An accepted risk is one that the plan runs", "It would cover a later mistake silently."},
}
