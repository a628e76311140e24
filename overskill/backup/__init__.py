"""`overskill backup`: what a platform can't be made from anew, in one file, and back."""
