"""What a payment is, how it moves, where it is kept, how it is spoken of over HTTP."""

from payments.cold_start import begin

begin()
