package core

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// digest is the HMAC-SHA256 of parts, which may hold any bytes. A phone number or
// an identity card is found again by trying them all, so a bare hash of one would
// give it away; one under a secret does not. The purpose keeps digests of different
// things apart.
func digest(secret Private, purpose string, parts ...string) Digest {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range slices.Concat([]string{purpose}, parts) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return Digest(mac.Sum(nil))
}

// payloadDigest covers all of a request.
func payloadDigest(secret Private, r Request) Digest {
	texts := []Private{r.IdCard, r.Name, r.Phone, r.CiphertextBlob, r.Iv}
	parts := make([]string, 0, len(texts)+len(r.EncryptList))
	for _, text := range texts {
		parts = append(parts, string(text))
	}
	return digest(secret, "request", append(parts, r.EncryptList...)...)
}

// keyDigest covers what a call is to be charged once for: the key it brought, else
// its request, whose payloadDigest is payload. Callers do not share keys: nobody learns
// from a replay whom another caller has asked about.
func keyDigest(secret Private, c Call, payload Digest) Digest {
	if c.Key != "" {
		return digest(secret, "key", c.Caller, string(c.Key))
	}
	return digest(secret, "fingerprint", c.Caller, string(payload[:]))
}

// KeyOf returns the digest of what a call is to be charged once for. It names the call
// to others, and tells nothing of it without the secret.
func (v *Verifier) KeyOf(c Call) Digest {
	return keyDigest(v.Policy.Secret, c, payloadDigest(v.Policy.Secret, c.Request))
}
