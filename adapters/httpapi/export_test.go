package httpapi

// StatusOf is what a caller gets who does not name the Action.
var StatusOf = statusOf
