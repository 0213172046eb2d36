package plan

import (
	"fmt"
	"regexp"
	"strings"

	"breakglass/internal/entra"
)

// Script is the onboarding as a POSIX shell script for Azure CLI, which Azure Cloud Shell has
// at hand: the same requests in the same order, for a person who may make them. It needs
// nothing of ours. graph is Graph's base URL in the tenant's cloud.
func (o *Onboarding) Script(graph string) string {
	var b strings.Builder
	fmt.Fprintf(&b, scriptHead, o.TenantID, strings.TrimSuffix(graph, "/"))
	for n, st := range o.Steps {
		fmt.Fprintf(&b, "\n# %d. %s\n%s\n", n+1, strings.ReplaceAll(st.Sentence, "\n", " "), o.command(st))
	}
	for _, part := range []string{partWatch, partOperator} {
		for _, st := range o.Steps {
			if st.Creates == "{app:"+part+"}" {
				fmt.Fprintf(&b, "echo %s\"$client_%s\"\n", quoteShell("client id of "+displayOf(part)+": "), part)
			}
		}
	}
	return b.String()
}

const scriptHead = `#!/bin/sh
# Written by breakglass. Read it, then run it where Azure CLI is signed in, for example in
# Azure Cloud Shell, as Global Administrator. It stops at the first request that fails; after that make it
# anew, it then holds only what is left.
set -eu
tenant='%s'
graph='%s'
[ "$(az account show --query tenantId -o tsv)" = "$tenant" ] || { echo "sign in first: az login --tenant $tenant --allow-no-subscriptions" >&2; exit 1; }
me=$(az rest --method GET --url "$graph/v1.0/me" --query id -o tsv)
# A new object is not known everywhere at once: ask again for a while.
again() { for n in 1 2 3 4 5 6; do if "$@"; then return 0; fi; sleep "${WAIT:-10}"; done; return 1; }
`

var (
	shellVariable = regexp.MustCompile(`\{(app|client|sp):(watch|operator)\}`)
	shellPlain    = regexp.MustCompile(`^[A-Za-z0-9_./:=@-]+$`)
)

// command is one step in shell.
func (o *Onboarding) command(st Step) string {
	path := st.Request.Path
	mine := o.Self != "" && strings.Contains(st.ID, "-disown-") && strings.HasSuffix(st.ID, "-"+o.Self)
	if mine {
		path = strings.ReplaceAll(path, o.Self, "{me}")
	}
	line := "az rest --method " + st.Request.Method + ` --url "$graph"` + quoteShell("/"+st.Request.Version+path)
	if len(st.Request.Body) > 0 {
		line += " --headers Content-Type=application/json --body " + quoteShell(string(st.Request.Body))
	}
	switch part := strings.Trim(st.Creates[strings.Index(st.Creates, ":")+1:], "}"); {
	case strings.HasPrefix(st.Creates, "{app:"):
		return fmt.Sprintf("app_%s=$(%s --query id -o tsv)\nclient_%s=$(again az rest --method GET --url \"$graph/v1.0/applications/$app_%s\" --query appId -o tsv)", part, line, part, part)
	case st.Creates != "":
		return fmt.Sprintf("sp_%s=$(again %s --query id -o tsv)", part, line)
	case mine:
		return line + " || echo 'not an owner: as it should be'"
	}
	return "again " + line
}

// quoteShell makes one word of shell; our placeholders become its variables.
func quoteShell(s string) string {
	if shellPlain.MatchString(s) {
		return s
	}
	s = "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	s = shellVariable.ReplaceAllString(s, `'"$$${1}_$2"'`)
	return strings.ReplaceAll(s, "{me}", `'"$me"'`)
}

// Portal is the same as pages of the Entra admin center, for a person with a browser. It
// says what should be, so it serves to make the identities and to look them over.
func Portal(want Wanted) string {
	var b strings.Builder
	if w := want.Watch; w != nil {
		portalWatch(&b, w)
	}
	if w := want.Operator; w != nil {
		portalOperator(&b, w)
	}
	return b.String()
}

func steps(b *strings.Builder, title string, lines ...string) {
	fmt.Fprintf(b, "%s\n\n", title)
	for n, l := range lines {
		fmt.Fprintf(b, "%3d. %s\n", n+1, l)
	}
	b.WriteByte('\n')
}

const (
	portalRegister = "entra.microsoft.com > Applications > App registrations > New registration. Name: %s. Supported account types: this organizational directory only.%s Register."
	portalManifest = "Manifest: set \"tags\" to [\"" + entra.TagOurs + "\", \"%s\"]. Save. (breakglass finds its applications by these.)"
	portalLock     = "Authentication > Settings > App instance property lock: Enable property lock, All properties. Save."
	portalOwners   = "Owners: remove every owner, yourself too; the same under Enterprise applications > %s > Owners."
)

func portalWatch(b *strings.Builder, w *WatchIdentity) {
	lines := []string{
		fmt.Sprintf(portalRegister, WatchName, " No redirect URI."),
		fmt.Sprintf(portalManifest, tagOf(partWatch)),
	}
	if w.Certificate != nil {
		lines = append(lines, "Certificates & secrets > Certificates > Upload certificate: the public part (.cer), valid until "+
			w.Certificate.NotAfter.UTC().Format("2 January 2006")+". Never upload the key; make no client secret.")
	}
	if f := w.Federated; f != nil {
		lines = append(lines, fmt.Sprintf("Certificates & secrets > Federated credentials > Add credential > Other issuer. Issuer: %s. Subject: %s. Audience: %s.", f.Issuer, f.Subject, audienceExchange))
	}
	lines = append(lines, portalLock,
		"API permissions: remove User.Read (delegated). Add a permission > Microsoft Graph > Application permissions: "+strings.Join(w.Permissions, ", ")+".",
		"API permissions > Grant admin consent. Every row must show a green mark.",
		fmt.Sprintf(portalOwners, WatchName),
		"Roles and administrators: give it no directory role.")
	steps(b, WatchName+": the standing identity, which only reads", lines...)
}

func portalOperator(b *strings.Builder, w *OperatorIdentity) {
	var names []string
	for _, u := range w.Users {
		names = append(names, u.UserPrincipalName)
	}
	steps(b, OperatorName+": the client through which named people write",
		fmt.Sprintf(portalRegister, OperatorName, " Redirect URI: Public client/native, "+redirectLoopback+"."),
		fmt.Sprintf(portalManifest, tagOf(partOperator)),
		"Authentication > Allow public client flows: Yes. Save. Make no certificate and no secret.",
		portalLock,
		"API permissions > Add a permission > Microsoft Graph > Delegated permissions: "+strings.Join(w.Scopes, ", ")+". Do not grant admin consent: that would be for everybody.",
		"Enterprise applications > "+OperatorName+" > Properties: Assignment required: Yes. Save.",
		"Users and groups > Add user: "+strings.Join(names, ", ")+". Nobody else, and no group.",
		"Consent for each of them alone: the portal cannot, so have each sign in once while it is switched on and consent for themselves, or use the script (breakglass onboard --print script).",
		fmt.Sprintf(portalOwners, OperatorName),
		"Properties: Enabled for users to sign-in: No. Switch it to Yes only for a use, and back after it.")
}
