// Package deployment holds the tests of what deploys the functions: template.yaml,
// serverless.yml and the scripts beside this folder.
package deployment
