// WeChat Pay APIv3 by the standard library, without an SDK: calls, signatures, what a notification tells.
package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

type object = map[string]any

// region credentials
var (
	wechatPay  = setting("WECHATPAY_URL", "http://127.0.0.1:8181")
	mine       = credentials(setting("WECHATPAY_CREDENTIALS", "credentials.json"))
	merchant   = must(x509.ParsePKCS8PrivateKey(der(mine["merchantPrivateKey"]))).(*rsa.PrivateKey)
	wechatsKey = must(x509.ParsePKIXPublicKey(der(mine["wechatPublicKey"]))).(*rsa.PublicKey)
	client     = &http.Client{Timeout: 10 * time.Second}
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func credentials(file string) (read map[string]string) {
	if err := json.Unmarshal(must(os.ReadFile(file)), &read); err != nil {
		panic(err)
	}
	return read
}

func der(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	return block.Bytes
}

// endregion

type refused struct {
	status        int
	Code, Message string
}

func (no refused) Error() string { return fmt.Sprintf("%d %s: %s", no.status, no.Code, no.Message) }

var errUntrusted = errors.New("untrusted") // nothing proves that WeChat Pay said it

// region call

// call gives WeChat Pay's answer, nil where it has no body; or a refused, or an errUntrusted.
func call(method, path string, body object) (answer object, err error) {
	var sent []byte // what is signed is what is sent, to the byte
	if body != nil {
		sent = must(json.Marshal(body))
	}
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), random(16)
	digest := sha256.Sum256([]byte(method + "\n" + path + "\n" + timestamp + "\n" + nonce + "\n" + string(sent) + "\n"))
	signature := must(rsa.SignPKCS1v15(rand.Reader, merchant, crypto.SHA256, digest[:]))
	request := must(http.NewRequest(method, wechatPay+path, bytes.NewReader(sent)))
	request.Header.Set("Authorization", fmt.Sprintf(
		`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",timestamp="%s",serial_no="%s",signature="%s"`,
		mine["mchid"], nonce, timestamp, mine["merchantSerialNo"], base64.StdEncoding.EncodeToString(signature)))
	request.Header.Set("Wechatpay-Serial", mine["wechatPublicKeyId"]) // the key that the answer shall be signed with
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "shop/1.0")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		no := refused{status: response.StatusCode}
		if json.Unmarshal(said, &no) != nil {
			no.Code, no.Message = "NOT_JSON", "something in between has answered"
		}
		return nil, no
	}
	if err := verify(response.Header, said); err != nil || len(said) == 0 {
		return nil, err
	}
	return answer, json.Unmarshal(said, &answer)
}

// endregion

// region verify

// verify gives an errUntrusted unless WeChat Pay has signed exactly these bytes within the last five minutes.
func verify(header http.Header, body []byte) error {
	signature, timestamp := header.Get("Wechatpay-Signature"), header.Get("Wechatpay-Timestamp")
	if signature == "" {
		return fmt.Errorf("%w: there is no signature", errUntrusted)
	}
	if header.Get("Wechatpay-Serial") != mine["wechatPublicKeyId"] {
		return fmt.Errorf("%w: signed with another key", errUntrusted)
	}
	digest := sha256.Sum256([]byte(timestamp + "\n" + header.Get("Wechatpay-Nonce") + "\n" + string(body) + "\n"))
	decoded, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || rsa.VerifyPKCS1v15(wechatsKey, crypto.SHA256, digest[:], decoded) != nil {
		return fmt.Errorf("%w: the signature does not hold", errUntrusted)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age.Abs() > 5*time.Minute {
		return fmt.Errorf("%w: signed too long ago", errUntrusted)
	}
	return nil
}

// endregion

// region notification
type notification struct {
	ID        string `json:"id"`
	EventType string `json:"event_type"`
	Resource  struct {
		Nonce          string `json:"nonce"`
		Ciphertext     []byte `json:"ciphertext"` // encoding/json decodes its Base64
		AssociatedData string `json:"associated_data"`
	} `json:"resource"`
	told object
}

// decrypt fills in what a notification tells, by AES-256-GCM and the APIv3 key.
func (note *notification) decrypt() error {
	gcm := must(cipher.NewGCM(must(aes.NewCipher([]byte(mine["apiV3Key"])))))
	of := note.Resource
	plain, err := gcm.Open(nil, []byte(of.Nonce), of.Ciphertext, []byte(of.AssociatedData))
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, &note.told)
}

// endregion

func random(size int) string {
	made := make([]byte, size)
	must(rand.Read(made))
	return hex.EncodeToString(made)
}

// must is for what fails only where the program, or a file of its own, is wrong.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
