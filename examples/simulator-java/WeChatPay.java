// WeChat Pay APIv3 by the JDK alone (17 or newer), without an SDK: calls, signatures, what a notification tells.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;
import java.util.function.UnaryOperator;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

final class WeChatPay {
    // region credentials
    static final String URL = System.getenv().getOrDefault("WECHATPAY_URL", "http://127.0.0.1:8181");
    final Json mine;
    final PrivateKey merchantKey;
    final PublicKey wechatPayKey;

    WeChatPay(Path credentials) throws IOException, GeneralSecurityException {
        mine = Json.parse(Files.readString(credentials));
        KeyFactory rsa = KeyFactory.getInstance("RSA");
        merchantKey = rsa.generatePrivate(new PKCS8EncodedKeySpec(der(mine.text("merchantPrivateKey"))));
        wechatPayKey = rsa.generatePublic(new X509EncodedKeySpec(der(mine.text("wechatPublicKey"))));
    }

    static byte[] der(String pem) {
        return Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    }
    // endregion

    /** WeChat Pay says no. */
    static final class Refused extends Exception {
        Refused(int status, Json no) {
            super(status + " " + no.text("code") + ": " + no.text("message"));
        }
    }

    /** Nothing proves that WeChat Pay said it. */
    static final class Untrusted extends Exception {
        Untrusted(String why) {
            super(why);
        }
    }

    static final Json NOT_JSON = Json.parse("{\"code\": \"NOT_JSON\", \"message\": \"something in between has answered\"}");

    // region call
    final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    /** WeChat Pay's answer, with no members where it has no body. {@code body} is JSON, or empty. */
    Json call(String method, String path, String body)
            throws IOException, InterruptedException, GeneralSecurityException, Refused, Untrusted {
        long timestamp = System.currentTimeMillis() / 1000;
        String nonce = UUID.randomUUID().toString().replace("-", "");
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(merchantKey);
        signature.update((method + "\n" + path + "\n" + timestamp + "\n" + nonce + "\n" + body + "\n").getBytes(UTF_8));
        String authorization = "WECHATPAY2-SHA256-RSA2048 mchid=\"%s\",nonce_str=\"%s\",timestamp=\"%d\",serial_no=\"%s\",signature=\"%s\""
            .formatted(mine.text("mchid"), nonce, timestamp, mine.text("merchantSerialNo"),
                Base64.getEncoder().encodeToString(signature.sign()));
        HttpRequest request = HttpRequest.newBuilder(URI.create(URL + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body, UTF_8)) // the bytes that were signed
            .header("Authorization", authorization)
            .header("Wechatpay-Serial", mine.text("wechatPublicKeyId")) // the key that the answer shall be signed with
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .header("User-Agent", "shop/1.0")
            .timeout(Duration.ofSeconds(10))
            .build();
        HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        String said = new String(answer.body(), UTF_8);
        if (answer.statusCode() >= 300) throw new Refused(answer.statusCode(), said.startsWith("{") ? Json.parse(said) : NOT_JSON);
        verify(name -> answer.headers().firstValue(name).orElse(""), answer.body());
        return Json.parse(said.isEmpty() ? "{}" : said);
    }
    // endregion

    // region verify
    /** Throws Untrusted unless WeChat Pay has signed exactly these bytes within the last five minutes. */
    void verify(UnaryOperator<String> header, byte[] body) throws Untrusted, GeneralSecurityException {
        String timestamp = header.apply("Wechatpay-Timestamp");
        if (header.apply("Wechatpay-Signature").isEmpty()) throw new Untrusted("there is no signature");
        if (!header.apply("Wechatpay-Serial").equals(mine.text("wechatPublicKeyId"))) throw new Untrusted("signed with another key");
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(wechatPayKey);
        signature.update((timestamp + "\n" + header.apply("Wechatpay-Nonce") + "\n").getBytes(UTF_8));
        signature.update(body);
        signature.update((byte) '\n');
        boolean holds;
        try {
            holds = signature.verify(Base64.getDecoder().decode(header.apply("Wechatpay-Signature")));
        } catch (GeneralSecurityException | IllegalArgumentException notEvenOne) {
            holds = false;
        }
        if (!holds) throw new Untrusted("the signature does not hold");
        if (Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(timestamp)) > 300) throw new Untrusted("signed too long ago");
    }
    // endregion

    // region decrypt
    /** What a notification tells: {@code ciphertext} holds it, by AES-256-GCM and the APIv3 key. */
    Json decrypted(Json notification) throws GeneralSecurityException {
        Json resource = notification.at("resource");
        Cipher aes = Cipher.getInstance("AES/GCM/NoPadding");
        aes.init(Cipher.DECRYPT_MODE, new SecretKeySpec(mine.text("apiV3Key").getBytes(UTF_8), "AES"),
            new GCMParameterSpec(128, resource.text("nonce").getBytes(UTF_8)));
        aes.updateAAD(resource.text("associated_data").getBytes(UTF_8));
        return Json.parse(new String(aes.doFinal(Base64.getDecoder().decode(resource.text("ciphertext"))), UTF_8));
    }
    // endregion
}
