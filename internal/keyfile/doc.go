// Package keyfile keeps the keys of links in files: it reads them, follows their
// changes while the service runs, and rewrites them for `invitationd keys`.
//
// Keys are a file in the format of [invitation.ParseKeyRing], or a folder as
// Kubernetes mounts a Secret: a file for each key, named like its id, that holds
// the secret in base64, and the file "signing", which holds the id of the key
// that signs. Nothing else may be in the folder, but for names that begin with
// "..". Files that everybody on the machine may read are refused, so a Secret
// needs a defaultMode of 0440 or less. One that is mounted with subPath never
// changes.
//
// Servers read a change at different moments, and a link that one signs may come
// back to another at once. So a key has to be known everywhere before it signs
// anywhere, and the one before it goes last:
//
//	    file                     folder
//	1.  keys add                 add the file B; "signing" says A
//	    wait until every server has logged "keys are in force" with B
//	2.  keys promote FILE B      "signing" says B
//	    wait for the log again, and then until no link of A is alive
//	3.  keys retire -yes FILE A  remove the file A
//
// Servers that are no more than one step apart read one another's links, and
// going back from step 2 is safe too: promote A.
//
// Most links of A expire a validity after the last server has logged that B
// signs, but one that was shared gets more time whenever its invitation is
// mailed. The last has gone when this counts 0:
//
//	SELECT count(*) FROM invitations
//	WHERE state = 'PENDING' AND expires_at > now() AND issued_at <= 'the time of that log line'
//
// A key that has become known to others is promoted over and retired at once,
// and its links are renewed.
package keyfile
