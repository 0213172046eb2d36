package graph

// Roles that only role management and governance ask for.
const roleIdentityGovernanceAdmin = "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e"
