// One order from its code to its refund, and another that is closed.
//
// It talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public final class Shop {
    static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);

    final WeChatPay pay;

    Shop(WeChatPay pay) {
        this.pay = pay;
    }

    // region notify
    record Notification(String kind, Json told) {}

    final BlockingQueue<Notification> arrived = new LinkedBlockingQueue<>();
    final Set<String> taken = new HashSet<>(); // a real shop keeps what it has taken in its database

    /** The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401. */
    synchronized void notified(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes(); // the bytes as they came
        try {
            pay.verify(name -> Objects.requireNonNullElse(exchange.getRequestHeaders().getFirst(name), ""), body);
            Json notification = Json.parse(new String(body, UTF_8));
            Json told = pay.decrypted(notification);
            if (taken.add(notification.text("id"))) arrived.add(new Notification(notification.text("event_type"), told));
            answer(exchange, 200, "SUCCESS", "");
        } catch (WeChatPay.Untrusted problem) {
            answer(exchange, 401, "FAIL", problem.getMessage());
        } catch (GeneralSecurityException problem) {
            answer(exchange, 500, "FAIL", "not encrypted with this APIv3 key");
        }
    }
    // endregion

    static void answer(HttpExchange exchange, int status, String code, String message) throws IOException {
        byte[] said = "{\"code\": \"%s\", \"message\": \"%s\"}".formatted(code, message).getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, said.length);
        exchange.getResponseBody().write(said);
        exchange.close();
    }

    Notification next() throws InterruptedException {
        Notification notification = arrived.poll(1, TimeUnit.MINUTES);
        if (notification == null) throw new IllegalStateException("no notification within a minute");
        return notification;
    }

    static String number(String letter) {
        return letter + UUID.randomUUID().toString().replace("-", "").substring(8);
    }

    void walk(String notifyUrl) throws Exception {
        String number = number("T"), another = number("T"), refundNumber = number("R"), mchid = pay.mine.text("mchid");

        // region order
        String order = """
            {"appid": "%s", "mchid": "%s", "description": "一壶茶", "out_trade_no": "%s",
             "notify_url": "%s", "amount": {"total": 100, "currency": "CNY"}}"""  // fen
            .formatted(pay.mine.text("appid"), mchid, number, notifyUrl);
        String codeUrl = pay.call("POST", "/v3/pay/transactions/native", order).text("code_url");
        // endregion
        OUT.println("native: " + (codeUrl.startsWith("weixin://") ? "a code_url" : codeUrl));
        // region query
        String asked = "/v3/pay/transactions/out-trade-no/" + number + "?mchid=" + mchid;
        OUT.println("query: " + pay.call("GET", asked, "").text("trade_state"));
        // endregion

        // region pay
        HttpRequest control = HttpRequest.newBuilder(URI.create(WeChatPay.URL + "/_sandbox/pay"))
            .POST(HttpRequest.BodyPublishers.ofString("{\"codeUrl\": \"" + codeUrl + "\"}"))
            .build();
        Json paid = Json.parse(pay.http.send(control, HttpResponse.BodyHandlers.ofString()).body());
        // endregion
        OUT.println("pay: " + paid.text("trade_state"));
        Notification payment = next();
        OUT.printf("notification: %s %s, %s fen%n", payment.kind(), payment.told().text("trade_state"), payment.told().text("amount", "total"));
        OUT.println("query: " + pay.call("GET", asked, "").text("trade_state"));

        // region refund
        String wish = """
            {"out_trade_no": "%s", "out_refund_no": "%s", "notify_url": "%s",
             "amount": {"refund": 40, "total": 100, "currency": "CNY"}}"""
            .formatted(number, refundNumber, notifyUrl);
        Json refund = pay.call("POST", "/v3/refund/domestic/refunds", wish);
        // endregion
        OUT.printf("refund: %s, %s fen%n", refund.text("status"), refund.text("amount", "refund"));
        Notification refunded = next();
        OUT.printf("notification: %s %s, %s fen%n", refunded.kind(), refunded.told().text("refund_status"), refunded.told().text("amount", "refund"));
        OUT.println("refund query: " + pay.call("GET", "/v3/refund/domestic/refunds/" + refundNumber, "").text("status"));

        pay.call("POST", "/v3/pay/transactions/native", order.replace(number, another));
        // region close
        String place = "/v3/pay/transactions/out-trade-no/" + another;
        pay.call("POST", place + "/close", "{\"mchid\": \"" + mchid + "\"}");
        OUT.println("close: " + pay.call("GET", place + "?mchid=" + mchid, "").text("trade_state"));
        // endregion
        try {
            pay.call("GET", asked.replace(number, "NOBODY-KNOWS"), "");
        } catch (WeChatPay.Refused no) {
            OUT.println("unknown order: " + no.getMessage());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Shop shop = new Shop(new WeChatPay(Path.of(System.getenv().getOrDefault("WECHATPAY_CREDENTIALS", "credentials.json"))));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/notify", shop::notified);
        server.start();
        try {
            shop.walk("http://127.0.0.1:" + server.getAddress().getPort() + "/notify");
        } catch (WeChatPay.Refused | WeChatPay.Untrusted problem) {
            System.err.println(problem.getClass().getSimpleName().toLowerCase() + ": " + problem.getMessage());
            System.exit(1);
        } finally {
            server.stop(0);
        }
    }
}
