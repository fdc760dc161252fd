<?php
// The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401.
declare(strict_types=1);

require __DIR__ . '/wechatpay.php';

// region notify
header('Content-Type: application/json');
try {
    $body = file_get_contents('php://input'); // the bytes as they came
    verify(array_change_key_case(getallheaders()), $body);
    $notification = json_decode($body, true, flags: JSON_THROW_ON_ERROR);
    $told = [$notification['event_type'], decrypted($notification)];
    // One file for each id: what comes again finds it there. A real shop has a table with that key.
    $file = getenv('INBOX') . '/' . hash('sha256', $notification['id']) . '.json';
    $new = tempnam(getenv('INBOX'), 'new');
    file_put_contents($new, json_encode($told));
    @link($new, $file); // whole or not at all, and not where that id has been taken
    unlink($new);
    echo json_encode(['code' => 'SUCCESS', 'message' => '']);
} catch (Throwable $problem) {
    http_response_code($problem instanceof Untrusted ? 401 : 500);
    echo json_encode(['code' => 'FAIL', 'message' => $problem->getMessage()]);
}
// endregion
