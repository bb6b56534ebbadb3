mod laws;
mod speed;
mod vectors;
