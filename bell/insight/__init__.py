"""What we learn: members against households, growth, answers, outcomes. Reads, never writes."""
