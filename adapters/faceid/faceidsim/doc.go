// Package faceidsim is a simulator of Tencent Cloud FaceID's PhoneVerification, as
// its specification of 2026-04-24 has it (version 2018-03-01): the three request
// forms, the signatures, the parameters, the result and error codes, the encryption
// of fields, 20 requests a second, and what is charged. It is what functions/local
// runs as its upstream, and what the tests of the whole way are made against.
//
// It knows two keys ([SecretID], [TempSecretID]), one data key ([CiphertextBlob]) and
// a few people:
//
//	11204416541220243X, Wei Xiaobao or 韦小宝, 16137688175: the specification's example, a match, Telecom
//	110101199003070134, Shuang Er or 双儿, 16137688176: a match, China Unicom
//
// Anyone else with one of their numbers is a mismatch, as the specification's second
// example; with another number there is no record (-9), but for what is no number, no
// card or no name at all (-6, -7, -8).
//
// # Magic numbers
//
// With the phones below, encrypted or not, it answers the same whatever the name and
// identity card are. A result:
//
//	16100000000  0    16100000004 -4    16100000005 -5 (of 2021: in no table now, and charged)
//	16100000006 -6    16100000007 -7    16100000008 -8    16100000009 -9
//	16100000011 -11   16100000012 -12   16100000013 -13
//
// An error:
//
//	16100000101 FailedOperation.DecryptSystemError
//	16100000102 FailedOperation.StsUnAuthErrError
//	16100000103 FailedOperation.UnKnown
//	16100000104 InvalidParameter
//	16100000105 InvalidParameter.UnsupportEncryptField
//	16100000106 InvalidParameterValue
//	16100000107 UnauthorizedOperation.Arrears
//	16100000108 UnauthorizedOperation.ChargeStatusException
//	16100000109 UnauthorizedOperation.NonAuthorize
//	16100000110 UnauthorizedOperation.Nonactivated
//
// Trouble, and a match where there is an answer:
//
//	16100000201 the answer takes two seconds
//	16100000202 a bare HTTP 502, as of a gateway in between; nothing is charged
//	16100000203 it is charged, and the connection is reset before the answer
//	16100000204 it is charged, and the answer never comes
//	16100000205 -11 twice, then 0
//
// Tests script the same and more with [Simulator.Script].
//
// # What it does not do
//
// It has no carriers behind it, no CAM policies, no daily limit that counts, no KMS but
// the one data key, no Chinese texts, and no API but PhoneVerification.
package faceidsim
