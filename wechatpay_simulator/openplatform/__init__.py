"""WeChat's open platform: who is the buyer? Its hosts are open.weixin.qq.com and api.weixin.qq.com, without signatures."""
