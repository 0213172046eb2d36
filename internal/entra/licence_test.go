package entra

import "testing"

// TestLicenceWorksUntilItsGraceIsOver: a subscription that ran out goes on working for a while
// ("Warning"); a plan that said "no licence" then would leave policies without exclusions.
func TestLicenceWorksUntilItsGraceIsOver(t *testing.T) {
	read := map[Part]Reading{PartPlans: {}}
	for _, c := range []struct {
		plan ServicePlan
		want Licence
	}{
		{ServicePlan{ServicePlanID: planP2, CapabilityStatus: Some("Enabled")}, LicenceP2},
		{ServicePlan{ServicePlanID: planP1, CapabilityStatus: Some("Warning")}, LicenceP1},
		{ServicePlan{ServicePlanID: planP1, CapabilityStatus: Some("Suspended")}, LicenceFree},
		{ServicePlan{ServicePlanName: "AAD_PREMIUM_P2"}, LicenceP2},
		{ServicePlan{ServicePlanID: "x", ServicePlanName: "EXCHANGE_S_ENTERPRISE"}, LicenceFree},
	} {
		s := Snapshot{Readings: read, Plans: []ServicePlan{c.plan}}
		if got := s.Licence(); got != c.want {
			t.Errorf("%+v gives %s, want %s", c.plan, got, c.want)
		}
	}
	if got := (&Snapshot{}).Licence(); got != LicenceUnknown {
		t.Errorf("plans that were not read give %s", got)
	}
}
