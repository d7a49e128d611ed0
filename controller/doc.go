// Command sekimori guards one door. See "sekimori --help"; deploy/README.md
// puts it into service.
//
// Exit codes:
//
//	0  done
//	1  it could not be done; the message says what and where
//	2  the command line or a file is wrong; nothing was changed
//	3  the ledger shows tampering, is damaged, or is missing
//	4  the door refused the order
package main
