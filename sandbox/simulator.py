"""`python -m sandbox.simulator`: what `python -m wechatpay_simulator` was called before it was a package of its own."""

import sys

from wechatpay_simulator.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
