<?php
// WeChat Pay APIv3 by PHP's openssl and curl, without an SDK: calls, signatures, what a notification tells.
declare(strict_types=1);

// region credentials
define('WECHAT_PAY', getenv('WECHATPAY_URL') ?: 'http://127.0.0.1:8181');
define('MINE', json_decode(file_get_contents(getenv('WECHATPAY_CREDENTIALS') ?: 'credentials.json'), true));
// endregion

/** WeChat Pay says no. */
final class Refused extends RuntimeException
{
}

/** Nothing proves that WeChat Pay said it. */
final class Untrusted extends RuntimeException
{
}

// region call
/** WeChat Pay's answer, [] where it has no body. Throws Refused with status, code and message, or Untrusted. */
function call(string $method, string $path, ?array $body = null): array
{
    $sent = $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR); // what is signed is what is sent, to the byte
    $timestamp = (string) time();
    $nonce = bin2hex(random_bytes(16));
    openssl_sign("$method\n$path\n$timestamp\n$nonce\n$sent\n", $signature, MINE['merchantPrivateKey'], OPENSSL_ALGO_SHA256);
    $authorization = sprintf(
        'WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",timestamp="%s",serial_no="%s",signature="%s"',
        MINE['mchid'], $nonce, $timestamp, MINE['merchantSerialNo'], base64_encode($signature),
    );
    $headers = [];
    $request = curl_init(WECHAT_PAY . $path);
    curl_setopt_array($request, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => [
            "Authorization: $authorization",
            'Wechatpay-Serial: ' . MINE['wechatPublicKeyId'], // the key that the answer shall be signed with
            'Content-Type: application/json',
            'Accept: application/json',
            'User-Agent: shop/1.0',
        ],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 10,
        CURLOPT_HEADERFUNCTION => function ($_, string $line) use (&$headers): int {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $headers[strtolower($name)] = trim($value);
            return strlen($line);
        },
    ] + ($sent === '' ? [] : [CURLOPT_POSTFIELDS => $sent]));
    $said = curl_exec($request);
    if ($said === false) {
        throw new RuntimeException(curl_error($request));
    }
    $status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
    if ($status >= 300) {
        $no = json_decode($said, true) ?? ['code' => 'NOT_JSON', 'message' => 'something in between has answered'];
        throw new Refused("$status {$no['code']}: {$no['message']}");
    }
    verify($headers, $said);
    return $said === '' ? [] : json_decode($said, true, flags: JSON_THROW_ON_ERROR);
}
// endregion

// region verify
/** Throws Untrusted unless WeChat Pay has signed exactly these bytes within the last five minutes. Names of headers in small letters. */
function verify(array $headers, string $body): void
{
    $signature = $headers['wechatpay-signature'] ?? '';
    $timestamp = $headers['wechatpay-timestamp'] ?? '';
    $nonce = $headers['wechatpay-nonce'] ?? '';
    if ($signature === '') {
        throw new Untrusted('there is no signature');
    }
    if (($headers['wechatpay-serial'] ?? '') !== MINE['wechatPublicKeyId']) {
        throw new Untrusted('signed with another key');
    }
    $decoded = base64_decode($signature, true);
    $text = "$timestamp\n$nonce\n$body\n";
    // 1 alone is yes: 0 is no, and -1, an error, is true to an if.
    if ($decoded === false || openssl_verify($text, $decoded, MINE['wechatPublicKey'], OPENSSL_ALGO_SHA256) !== 1) {
        throw new Untrusted('the signature does not hold');
    }
    if (abs(time() - (int) $timestamp) > 300) {
        throw new Untrusted('signed too long ago');
    }
}
// endregion

// region decrypt
/** What a notification tells: `ciphertext` holds it, by AES-256-GCM and the APIv3 key. Its last 16 bytes are the tag. */
function decrypted(array $notification): array
{
    $resource = $notification['resource'];
    $sealed = base64_decode($resource['ciphertext'], true);
    $plain = openssl_decrypt(
        substr($sealed, 0, -16), 'aes-256-gcm', MINE['apiV3Key'], OPENSSL_RAW_DATA,
        $resource['nonce'], substr($sealed, -16), $resource['associated_data'] ?? '',
    );
    if ($plain === false) {
        throw new RuntimeException('not encrypted with this APIv3 key');
    }
    return json_decode($plain, true, flags: JSON_THROW_ON_ERROR);
}
// endregion
