package entra

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The page names every member, every part and every reason that a file can hold.
func TestTheSnapshotPageIsWhole(t *testing.T) {
	page, err := os.ReadFile("../../docs/snapshot.md")
	if err != nil {
		t.Fatal(err)
	}
	s := sample(t)
	s.Anonymised = true
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(asJSON(t, s)), &members); err != nil {
		t.Fatal(err)
	}
	want := []string{"`source`", "`readAt`", "`pages`, `items`", "`unread`", "`detail`", "`needs`", "`versions`", "`strange`"}
	for name := range members {
		want = append(want, "`"+name+"`")
	}
	for _, p := range everyPart() {
		if name, _, ok := strings.Cut(string(p), ":"); ok {
			p = Part(name + ":ID")
		}
		want = append(want, "| `"+string(p)+"` |")
	}
	for _, u := range []Unread{UnreadLicence, UnreadPermission, UnreadThrottled, UnreadNotFound, UnreadFailed, UnreadDamaged, UnreadCloud, UnreadNotAsked} {
		want = append(want, "`"+string(u)+"`")
	}
	for _, w := range want {
		if !strings.Contains(string(page), w) {
			t.Errorf("docs/snapshot.md does not explain %s", w)
		}
	}
}
