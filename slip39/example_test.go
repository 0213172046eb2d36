package slip39_test

import (
	"errors"
	"fmt"

	"breakglass/slip39"
)

// Two of three locations, one custodian each: one group, as the specification advises.
func Example() {
	secret := []byte("0123456789abcdef")
	groups, err := slip39.Split(secret, 1, []slip39.Group{{Threshold: 2, Members: 3}}, slip39.Options{Exponent: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Each custodian's words are typed in again, later, elsewhere.
	var shares []slip39.Share
	for _, s := range groups[0][1:] {
		read, err := slip39.ParseShare(s.Mnemonic())
		if err != nil {
			fmt.Println(err)
			return
		}
		shares = append(shares, read)
	}
	opened, err := slip39.Combine(shares, "")
	fmt.Printf("%s %v\n", opened, err)
	// Output: 0123456789abcdef <nil>
}

// What is missing is known before anything is combined.
func ExampleCheck() {
	groups, err := slip39.Split(make([]byte, 16), 2, []slip39.Group{{Threshold: 2, Members: 3}, {Threshold: 1, Members: 1}}, slip39.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = slip39.Check([]slip39.Share{groups[0][2]})
	fmt.Println(err)
	if e, ok := errors.AsType[*slip39.QuorumError](err); ok {
		g := e.Groups[0]
		fmt.Printf("group %d lacks %d; groups to come: %d\n", g.Group, g.Need-g.Have, e.GroupThreshold-len(e.Groups))
	}
	// Output:
	// too few shares of group 1: 1 of 2; too few groups: 1 of 2
	// group 1 lacks 1; groups to come: 1
}
