package config

import "fmt"

// The patterns of values. They are written in the syntax that Go and ECMAScript share,
// because the published schema carries them too.
const (
	patternGUID   = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`
	patternDomain = `^[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+$`
	// The rules of a user principal name are those of Microsoft's "Password policies and
	// account restrictions": the characters, 64 before the @ without a dot at its end, 48 after.
	patternUPN      = `^[A-Za-z0-9'._!#^~-]{0,63}[A-Za-z0-9'_!#^~-]@[A-Za-z0-9][A-Za-z0-9.-]{0,46}[A-Za-z0-9]$`
	patternID       = `^[A-Za-z0-9][A-Za-z0-9._-]*$`
	patternCode     = `^[A-Z0-9][A-Z0-9-]*$`
	patternDays     = `^[1-9][0-9]{0,3}d$`
	patternCountry  = `^[A-Z]{2}$`
	patternNickname = `^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]+$`
	patternSetting  = `^[a-z][a-z0-9_]*$`
	patternRule     = `^[a-z][a-z0-9-]*$`
	nilGUID         = "00000000-0000-0000-0000-000000000000"
)

// The limits of a file. 16 is SLIP-0039's own bound on groups and on members.
const (
	maxSlip39 = 16
	maxPeople = 500
)

func guid(what string) shape {
	s := matching(patternGUID, what+", a GUID like 72f988bf-86f1-41af-91ab-2d7cd011db47 and not all zeros", 36)
	s.never = []string{nilGUID}
	return s
}

func text(most int) shape {
	return matching("", fmt.Sprintf("text of at most %d characters", most), most)
}

var (
	idShape     = matching(patternID, "letters, digits, dots, dashes and underscores, at most 64", 64)
	personShape = matching(patternID, "an opaque id of letters, digits, dots, dashes and underscores; names and addresses belong in people.age", 64)
	peopleShape = list(personShape, maxPeople)
	daysShape   = matching(patternDays, "a number of days like 90d, at most 9999d", 0)
)

// profiles and the rest are the closed lists of the file.
var (
	clouds       = []string{"public", "usgov-l4", "usgov-l5", "china", "other"}
	profiles     = []string{"standard", "strict", "classic", "free"}
	postures     = []string{string(PostureExcluded), string(PosturePasskeyRequired), string(PosturePasswordOnly)}
	passwords    = []string{PasswordSealed, PasswordUnknown}
	managers     = []string{"breakglass", "terraform", "microsoft365dsc", "other"}
	channelKinds = []string{
		"mail", "webhook", "pagerduty", "opsgenie", "teams", "slack", "ntfy", "telegram",
		"syslog", "cef", "command", "dead-man",
	}
	dutyNames = []string{"implement", "alerts", "review", "rotate", "drill", "inventory", "personnel", "runbook"}
)

// fileShape is the whole of breakglass.yaml, version 1.
var fileShape = object(
	field{key: "version", shape: number(1, 1), required: true, doc: "Version of the file's format. This program reads 1."},
	field{key: "tenant", shape: tenantShape, required: true, doc: "The tenant that this plan is for. A plan is never applied to another one."},
	field{key: "accounts", shape: accountsShape, required: true, doc: "The emergency accounts. Two is the number that Microsoft's Zero Trust assessment expects; fewer or more are findings."},
	field{
		key: "exclusion_group", shape: groupShape,
		doc: "A plain security group that Conditional Access policies exclude as a second layer, beside the exclusion of each account by its object id. Whoever can change its members can hand out a bypass, so it belongs in a restricted unit.",
		example: `exclusion_group:
  display_name: Policy scope 7
  mail_nickname: policy-scope-7`,
	},
	field{
		key: "restricted_unit", shape: unitShape,
		doc: "A restricted management administrative unit. It guards the exclusion group against everybody but those with a role over the unit. Needs Entra ID P1.",
		example: `restricted_unit:
  display_name: Restricted unit 7`,
	},
	field{
		key: "conditional_access", shape: object(
			field{key: "managed_by", shape: oneOf(managers...), standard: defaultManagedBy, doc: "Who writes the policies. breakglass: apply adds the exclusions itself. Another tool: plan prints the change for that tool and apply leaves the policies alone."},
		), doc: "Who may write Conditional Access policies.",
		example: `conditional_access:
  managed_by: terraform`,
	},
	field{
		key: "custodians", shape: peopleShape, doc: "The people who keep sheets, by opaque ids. Who they are stands in people.age.",
		example: `custodians: [p-01, p-02, p-03]`,
	},
	field{
		key: "locations", shape: list(locationShape, 100), doc: "The safes, by opaque ids. Where they are stands in people.age. Three is the least at which any one may burn down while no single one suffices.",
		example: `locations:
  - {id: l-1, code: K7, access: [p-01]}
  - {id: l-2, code: M3, access: [p-02]}
  - {id: l-3, code: T9, access: [p-03]}`,
	},
	field{
		key: "approvers", shape: peopleShape, doc: "The people who may approve requests. At least two have to sign besides the one who asks, so three is the least that works when one is away.",
		example: `approvers: [p-11, p-12, p-13]`,
	},
	field{
		key: "channels", shape: list(channelShape, 100), doc: "Where alerts go: two ways to people that do not need this tenant, and one dead-man monitor outside it that calls when we fall silent.",
		example: `channels:
  - id: duty-phone
    kind: pagerduty
    to: [p-21, p-22]
    secret_file: secrets/pagerduty
  - id: outside-mail
    kind: mail
    to: [p-21]
    settings: {server: smtp.example.net, from: alerts@example.net}
    secret_file: secrets/smtp
  - id: silence
    kind: dead-man
    settings: {url: https://monitor.example.net/ping}`,
	},
	field{
		key: "cadences", shape: cadencesShape, doc: "How often things are due.",
		example: `cadences: {rotate: 90d, drill: 90d, inventory: 90d, review: 30d}`,
	},
	field{
		key: "duties", shape: shape{kind: kindMap, item: &dutyShape, keys: dutyNames, right: "duties by name"},
		doc: "Who does each recurring work, and who does it when they cannot. implement: plans and applies. alerts: answers an alert. review: judges each use afterwards. rotate, drill, inventory: lead those. personnel: tells of joiners and leavers. runbook: keeps the paper current.",
		example: `duties:
  implement: {owner: p-31, deputy: p-32}
  alerts: {owner: p-21, deputy: p-22}
  review: {owner: p-41, deputy: p-42}`,
	},
	field{
		key: "accepted_risks", shape: list(riskShape, 100), doc: "Lint rules that the organisation gives up, each with the person who takes the risk and the reason. Shown as unsigned until an approval stands in the ledger.",
		example: `accepted_risks:
  - rule: quorum-location-lost
    person: p-51
    reason: two sites only; the third is under contract for May`,
	},
)

var tenantShape = object(
	field{key: "id", shape: guid("the tenant (directory) id"), required: true, doc: "The tenant (directory) id. Entra admin center: Overview."},
	field{key: "initial_domain", shape: matching(patternDomain, "the domain the tenant was created with, like contoso.onmicrosoft.com, without https:// or @", 48), required: true, doc: "The domain with isInitial: the one the tenant was created with. It is always managed, so it needs no federation server."},
	field{key: "cloud", shape: oneOf(clouds...), standard: defaultCloud, doc: "Which of Microsoft's clouds: public (with GCC), usgov-l4 (GCC High), usgov-l5 (DoD), china (21Vianet). other needs --endpoints."},
	field{key: "profile", shape: oneOf(profiles...), standard: defaultProfile, doc: "standard: both accounts excluded from every policy, with passkeys. strict: the second stands under one policy that demands its passkey. classic: one account with a password alone, a high finding in the public cloud. free: no Conditional Access licence."},
)

var accountsShape = atLeastOne(list(accountShape, 16))

var accountShape = object(
	field{key: "id", shape: idShape, required: true, doc: "The account's name in this file, in commands and in reports."},
	field{key: "user_principal_name", shape: matching(patternUPN, "a name on the initial domain: A-Z a-z 0-9 ' . - _ ! # ^ ~, at most 64 characters before the @ and 48 after it, no dot before the @", 113), required: true, doc: "The sign-in name. On the initial domain, and not to be guessed: attackers who know it can keep its password sign-in locked. Renaming kills registered passkeys, so choose before enrolling."},
	field{key: "object_id", shape: guid("the user's object id"), doc: "Adopts an existing account. Without it the account is found by its name, or created."},
	field{key: "display_name", shape: text(256), required: true, doc: "What lists show. Neutral, and no person's name."},
	field{key: "usage_location", shape: matching(patternCountry, "a country code of two capital letters, like DE", 2), doc: "Country code; licences need it."},
	field{key: "posture", shape: oneOf(postures...), standard: string(PostureExcluded), doc: "excluded: out of every policy by object id, passkeys registered. passkey-required: under exactly the one policy named in policy. password-only: no passkey; the portals will not let it in (mandatory MFA), a high finding in the public cloud."},
	field{key: "policy", shape: guid("the policy's object id"), doc: "For passkey-required: the object id of the one policy that may apply."},
	field{key: "password", shape: oneOf(passwords...), standard: defaultPassword, doc: "sealed: split into sheets by quorum. unknown: random, known to nobody, renewed at each rotation; the account then opens by its keys alone."},
	field{key: "quorum", shape: quorumShape, doc: "How the sealed password is split. Its absence is a finding, so that a plan can be applied before the people are named."},
	field{key: "keys", shape: list(keyShape, 10), doc: "The FIDO2 security keys, who keeps each and each one's PIN. Two per account, in two places."},
)

var quorumShape = object(
	field{key: "locations", shape: number(1, maxSlip39), required: true, doc: "How many locations must be opened."},
	field{key: "sheets", shape: atLeastOne(list(object(
		field{key: "location", shape: idShape, required: true, doc: "Where these sheets lie: the id of a location."},
		field{key: "need", shape: number(1, maxSlip39), required: true, doc: "How many of this location's sheets are needed. 1 only with one custodian: SLIP-0039 has no one-of-many."},
		field{key: "custodians", shape: atLeastOne(list(personShape, 64)), required: true, doc: "The people who keep one sheet each."},
	), 64)), required: true, doc: "The sheets, by location."},
	field{key: "people", shape: number(1, maxPeople), doc: "Asks for at least so many different people. The sheets bring this about or they do not: lint refuses what they do not, and names the nearest plan."},
	field{key: "must_include", shape: peopleShape, doc: "Asks that nothing opens without these people. Refused likewise unless the sheets bring it about."},
)

var keyShape = object(
	field{key: "id", shape: idShape, required: true, doc: "The key's name in this file."},
	field{key: "location", shape: idShape, required: true, doc: "Where the key lies: the id of a location."},
	field{key: "pin", shape: quorumShape, doc: "How the key's PIN is split. Apart from the key, and another PIN for every key."},
	field{key: "aaguid", shape: guid("the model's AAGUID"), doc: "The key's model. Two vendors, so that one advisory does not take both."},
	field{key: "serial", shape: text(64), doc: "What is engraved on the key."},
)

var locationShape = object(
	field{key: "id", shape: idShape, required: true, doc: "The location's name in this file."},
	field{key: "code", shape: matching(patternCode, "capital letters, digits and dashes, at most 8", 8), required: true, doc: "What sheets print: short, and meaningless to a stranger."},
	field{key: "access", shape: peopleShape, doc: "Everyone who can open it, custodian or not: deputies, facilities staff, the holder of the spare key. Judged as if each of them took everything in it."},
)

var groupShape = object(
	field{key: "object_id", shape: guid("the group's object id"), doc: "Adopts an existing group."},
	field{key: "display_name", shape: text(256), required: true, doc: "The group's name. Neutral."},
	field{key: "mail_nickname", shape: matching(patternNickname, "letters, digits and - _ . without blanks or @, at most 64", 64), required: true, doc: "Finds the group again after a crash. Unique in the tenant."},
)

var unitShape = object(
	field{key: "object_id", shape: guid("the unit's object id"), doc: "Adopts an existing unit."},
	field{key: "display_name", shape: text(256), required: true, doc: "The unit's name. Neutral."},
	field{key: "accounts", shape: yesNo, standard: "false", doc: "Puts the accounts into the unit too. Nobody can then reset their password or disable them without taking them out first; rotation has to leave and re-enter."},
)

var channelShape = object(
	field{key: "id", shape: idShape, required: true, doc: "The channel's name in this file."},
	field{key: "kind", shape: oneOf(channelKinds...), required: true, doc: "What it is."},
	field{key: "to", shape: peopleShape, doc: "The people it reaches."},
	field{key: "settings", shape: shape{kind: kindMap, item: ptr(text(1024)), pattern: patternSetting, right: "settings by name, in small letters"}, doc: "The kind's own settings. Never a secret, and no address that is one (a chat webhook's is)."},
	field{key: "secret_file", shape: text(1024), doc: "The file that has the channel's secret; mode 0600."},
)

var cadencesShape = object(
	field{key: "rotate", shape: daysShape, standard: "90d", doc: "Renew the passwords. At most 90 days; also after every opening and when a person with access leaves."},
	field{key: "drill", shape: daysShape, standard: "90d", doc: "Open, prove, rotate, seal again. At most 90 days."},
	field{key: "inventory", shape: daysShape, standard: "90d", doc: "Each custodian confirms that the bag is there and its seal whole. At most 90 days."},
	field{key: "review", shape: daysShape, standard: "30d", doc: "A use is reviewed and signed off within this time. At most 30 days."},
)

var dutyShape = object(
	field{key: "owner", shape: personShape, required: true, doc: "Who does it."},
	field{key: "deputy", shape: personShape, doc: "Who does it when the owner cannot."},
)

var riskShape = object(
	field{key: "rule", shape: matching(patternRule, "the code of a lint rule, like quorum-location-lost", 64), required: true, doc: "The lint rule that is given up; docs/lint.md has them."},
	field{key: "person", shape: personShape, required: true, doc: "Who takes the risk."},
	field{key: "reason", shape: text(1000), required: true, doc: "Why, and until when."},
)

func atLeastOne(s shape) shape {
	s.min = 1
	return s
}

func ptr[T any](v T) *T { return &v }
