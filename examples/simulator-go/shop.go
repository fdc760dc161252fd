// One order from its code to its refund, and another that is closed.
//
// `go run .` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// region notify

// notify is the notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401.
func notify(arrived chan<- notification) http.HandlerFunc {
	var alone sync.Mutex
	taken := map[string]bool{} // a real shop keeps what it has taken in its database
	return func(writer http.ResponseWriter, request *http.Request) {
		var note notification
		body, err := io.ReadAll(request.Body)
		if err == nil {
			err = verify(request.Header, body)
		}
		if err == nil {
			err = json.Unmarshal(body, &note)
		}
		if err == nil {
			err = note.decrypt()
		}
		switch {
		case errors.Is(err, errUntrusted):
			answer(writer, http.StatusUnauthorized, "FAIL", err.Error())
		case err != nil:
			answer(writer, http.StatusInternalServerError, "FAIL", err.Error())
		default:
			alone.Lock()
			if !taken[note.ID] {
				taken[note.ID] = true
				arrived <- note
			}
			alone.Unlock()
			answer(writer, http.StatusOK, "SUCCESS", "")
		}
	}
}

// endregion

func answer(writer http.ResponseWriter, status int, code, message string) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	json.NewEncoder(writer).Encode(object{"code": code, "message": message})
}

func next(arrived <-chan notification) (notification, error) {
	select {
	case note := <-arrived:
		return note, nil
	case <-time.After(time.Minute):
		return notification{}, errors.New("no notification within a minute")
	}
}

func walk(notifyURL string, arrived <-chan notification) error {
	number, another, refundNumber := "T"+random(12), "T"+random(12), "R"+random(12)

	// region order
	order := object{
		"appid": mine["appid"], "mchid": mine["mchid"], "description": "一壶茶", "out_trade_no": number,
		"notify_url": notifyURL, "amount": object{"total": 100, "currency": "CNY"}, // fen
	}
	placed, err := call("POST", "/v3/pay/transactions/native", order)
	if err != nil {
		return err
	}
	codeURL := placed["code_url"].(string)
	// endregion
	if strings.HasPrefix(codeURL, "weixin://") {
		fmt.Println("native: a code_url")
	}
	// region query
	asked := "/v3/pay/transactions/out-trade-no/" + number + "?mchid=" + mine["mchid"]
	state, err := call("GET", asked, nil)
	if err != nil {
		return err
	}
	fmt.Println("query:", state["trade_state"])
	// endregion

	// region pay
	paid, err := http.Post(wechatPay+"/_sandbox/pay", "application/json", strings.NewReader(`{"codeUrl": "`+codeURL+`"}`))
	// endregion
	if err != nil {
		return err
	}
	defer paid.Body.Close()
	if err := json.NewDecoder(paid.Body).Decode(&state); err != nil {
		return err
	}
	fmt.Println("pay:", state["trade_state"])
	note, err := next(arrived)
	if err != nil {
		return err
	}
	fmt.Printf("notification: %s %s, %v fen\n", note.EventType, note.told["trade_state"], note.told["amount"].(object)["total"])
	if state, err = call("GET", asked, nil); err != nil {
		return err
	}
	fmt.Println("query:", state["trade_state"])

	// region refund
	wish := object{
		"out_trade_no": number, "out_refund_no": refundNumber, "notify_url": notifyURL,
		"amount": object{"refund": 40, "total": 100, "currency": "CNY"},
	}
	refund, err := call("POST", "/v3/refund/domestic/refunds", wish)
	if err != nil {
		return err
	}
	// endregion
	fmt.Printf("refund: %s, %v fen\n", refund["status"], refund["amount"].(object)["refund"])
	if note, err = next(arrived); err != nil {
		return err
	}
	fmt.Printf("notification: %s %s, %v fen\n", note.EventType, note.told["refund_status"], note.told["amount"].(object)["refund"])
	if refund, err = call("GET", "/v3/refund/domestic/refunds/"+refundNumber, nil); err != nil {
		return err
	}
	fmt.Println("refund query:", refund["status"])

	order["out_trade_no"] = another
	if _, err = call("POST", "/v3/pay/transactions/native", order); err != nil {
		return err
	}
	// region close
	place := "/v3/pay/transactions/out-trade-no/" + another
	if _, err = call("POST", place+"/close", object{"mchid": mine["mchid"]}); err != nil {
		return err
	}
	if state, err = call("GET", place+"?mchid="+mine["mchid"], nil); err != nil {
		return err
	}
	fmt.Println("close:", state["trade_state"])
	// endregion
	_, err = call("GET", strings.Replace(asked, number, "NOBODY-KNOWS", 1), nil)
	if no := (refused{}); errors.As(err, &no) {
		fmt.Println("unknown order:", no)
		return nil
	}
	return err
}

func main() {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	arrived := make(chan notification, 16)
	http.HandleFunc("/notify", notify(arrived))
	go http.Serve(listener, nil)
	if err := walk("http://"+listener.Addr().String()+"/notify", arrived); err != nil {
		if no := (refused{}); errors.As(err, &no) {
			err = fmt.Errorf("refused: %w", err)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
