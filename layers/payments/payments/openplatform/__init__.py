"""WeChat's open platform, which says who the person is that a code stands for. It is not WeChat Pay: nothing of it is signed."""
