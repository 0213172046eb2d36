// Package breakglass is the root of the module and has no code: the program is in
// cmd/breakglass, the public SLIP-0039 package in slip39, everything else in internal. Its
// test holds the map of the packages.
package breakglass
