package faceidsim

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"maps"
	"slices"
)

// DataKey is the one data key that the simulator's KMS knows, and CiphertextBlob is
// that key as KMS wrapped it. Fields are AES-256-CBC with PKCS#7 padding, in base64.
const (
	DataKey        = "0123456789abcdef0123456789abcdef"
	CiphertextBlob = "demo-k-wrapped/data+key==-k-of-the-simulator"
)

var (
	errDecrypt     = &fault{"FailedOperation.DecryptSystemError", "Decryption failed."}
	errUnencrypted = &fault{"InvalidParameter.UnsupportEncryptField", "Unencrypted fields exist."}
)

// decrypt returns p with the fields that EncryptList names in plain text. A field
// that can't be encrypted, or plainly is not, is UnsupportEncryptField; one that does
// not come out, whichever of key, vector and ciphertext is wrong, DecryptSystemError.
func decrypt(p parameters) (parameters, *fault) {
	plain := maps.Clone(p)
	for _, name := range p["EncryptList"] {
		ciphertext, err := base64.StdEncoding.DecodeString(p.get(name))
		encryptable := slices.Contains([]string{"IdCard", "Name", "Phone"}, name)
		if !encryptable || err != nil || len(ciphertext) == 0 || len(ciphertext)%aes.BlockSize != 0 {
			return nil, errUnencrypted
		}
		iv, ok := vector(p.get("Iv"))
		if !ok || p.get("CiphertextBlob") != CiphertextBlob {
			return nil, errDecrypt
		}
		text, ok := decryptCBC(ciphertext, iv)
		if !ok {
			return nil, errDecrypt
		}
		plain[name] = []string{text}
	}
	return plain, nil
}

// vector reads an Iv: 16 raw characters, or base64 of 16 bytes.
func vector(iv string) ([]byte, bool) {
	if len(iv) == aes.BlockSize {
		return []byte(iv), true
	}
	raw, err := base64.StdEncoding.DecodeString(iv)
	return raw, err == nil && len(raw) == aes.BlockSize
}

func decryptCBC(ciphertext, iv []byte) (string, bool) {
	block, err := aes.NewCipher([]byte(DataKey))
	if err != nil {
		return "", false
	}
	text := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, ciphertext)
	padding := int(text[len(text)-1])
	if padding == 0 || padding > aes.BlockSize {
		return "", false
	}
	for _, b := range text[len(text)-padding:] {
		if int(b) != padding {
			return "", false
		}
	}
	return string(text[:len(text)-padding]), true
}
