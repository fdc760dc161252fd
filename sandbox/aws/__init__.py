"""AWS's services on a loopback port, with every role's policy enforced."""
