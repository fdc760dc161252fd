<?php
// One order from its code to its refund, and another that is closed.
//
// `php shop.php` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS. It has PHP's own
// web server run notify.php, which leaves in the folder INBOX what has come.
declare(strict_types=1);

require __DIR__ . '/wechatpay.php';

function freePort(): int
{
    $socket = stream_socket_server('tcp://127.0.0.1:0');
    $port = (int) substr(strrchr(stream_socket_get_name($socket, false), ':'), 1);
    fclose($socket);
    return $port;
}

/** @return resource the process of notify.php's server, once it answers */
function listening(int $port, string $inbox)
{
    $command = [PHP_BINARY, '-S', "127.0.0.1:$port", __DIR__ . '/notify.php'];
    $silent = [['null'], ['null'], ['null']];
    $server = proc_open($command, $silent, $pipes, null, ['INBOX' => $inbox] + getenv());
    for ($end = microtime(true) + 60; microtime(true) < $end; usleep(20_000)) {
        if ($connection = @fsockopen('127.0.0.1', $port)) {
            fclose($connection);
            return $server;
        }
    }
    throw new RuntimeException('the server of notify.php does not start');
}

/** Kind and content of the next notification; its file is emptied, and stays, for the same may come again. */
function notification(string $inbox): array
{
    for ($end = microtime(true) + 60; microtime(true) < $end; usleep(20_000)) {
        foreach (glob("$inbox/*.json") as $file) {
            if ($told = json_decode(file_get_contents($file), true)) {
                file_put_contents($file, '');
                return $told;
            }
        }
    }
    throw new RuntimeException('no notification within a minute');
}

function say(string $line): void
{
    echo "$line\n";
}

function walk(string $notifyUrl, string $inbox): void
{
    [$number, $another, $refundNumber] = array_map(fn ($letter) => $letter . bin2hex(random_bytes(12)), ['T', 'T', 'R']);
    $mchid = MINE['mchid'];

    // region order
    $order = [
        'appid' => MINE['appid'],
        'mchid' => $mchid,
        'description' => '一壶茶',
        'out_trade_no' => $number,
        'notify_url' => $notifyUrl,
        'amount' => ['total' => 100, 'currency' => 'CNY'], // fen
    ];
    $codeUrl = call('POST', '/v3/pay/transactions/native', $order)['code_url'];
    // endregion
    say('native: ' . (str_starts_with($codeUrl, 'weixin://') ? 'a code_url' : $codeUrl));
    // region query
    $asked = "/v3/pay/transactions/out-trade-no/$number?mchid=$mchid";
    say('query: ' . call('GET', $asked)['trade_state']);
    // endregion

    // region pay
    $control = curl_init(WECHAT_PAY . '/_sandbox/pay');
    curl_setopt_array($control, [CURLOPT_POSTFIELDS => json_encode(['codeUrl' => $codeUrl]), CURLOPT_RETURNTRANSFER => true]);
    $paid = json_decode(curl_exec($control), true);
    // endregion
    say("pay: {$paid['trade_state']}");
    [$kind, $transaction] = notification($inbox);
    say("notification: $kind {$transaction['trade_state']}, {$transaction['amount']['total']} fen");
    say('query: ' . call('GET', $asked)['trade_state']);

    // region refund
    $wish = [
        'out_trade_no' => $number,
        'out_refund_no' => $refundNumber,
        'notify_url' => $notifyUrl,
        'amount' => ['refund' => 40, 'total' => 100, 'currency' => 'CNY'],
    ];
    $refund = call('POST', '/v3/refund/domestic/refunds', $wish);
    // endregion
    say("refund: {$refund['status']}, {$refund['amount']['refund']} fen");
    [$kind, $refund] = notification($inbox);
    say("notification: $kind {$refund['refund_status']}, {$refund['amount']['refund']} fen");
    say('refund query: ' . call('GET', "/v3/refund/domestic/refunds/$refundNumber")['status']);

    call('POST', '/v3/pay/transactions/native', ['out_trade_no' => $another] + $order);
    // region close
    $place = "/v3/pay/transactions/out-trade-no/$another";
    call('POST', "$place/close", ['mchid' => $mchid]);
    say('close: ' . call('GET', "$place?mchid=$mchid")['trade_state']);
    // endregion
    try {
        call('GET', str_replace($number, 'NOBODY-KNOWS', $asked));
    } catch (Refused $no) {
        say("unknown order: {$no->getMessage()}");
    }
}

$inbox = sys_get_temp_dir() . '/inbox-' . bin2hex(random_bytes(8));
mkdir($inbox, 0700);
$server = listening($port = freePort(), $inbox);
$status = 1;
try {
    walk("http://127.0.0.1:$port/notify", $inbox);
    $status = 0;
} catch (Refused | Untrusted $problem) {
    fwrite(STDERR, strtolower($problem::class) . ": {$problem->getMessage()}\n");
} finally {
    proc_terminate($server);
    array_map(unlink(...), glob("$inbox/*"));
    rmdir($inbox);
}
exit($status);
